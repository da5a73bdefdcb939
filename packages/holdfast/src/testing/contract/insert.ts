/** Insertion and the cap. */
import assert from 'node:assert/strict'
import type { SessionCap } from '../../store/store.ts'
import { type Checks, callers, everyRecord, fullSample, liveIds, minute, parallel, sample, sampleId, start } from './check.ts'

const now = start + minute
const cap: SessionCap = { max: 5, now, whenFull: 'evict-oldest' }
const refusing: SessionCap = { ...cap, whenFull: 'refuse' }

export const insertChecks: Checks = {
  'keeps every field, with revision 0 and an epoch of its own': async ({ store, other }) => {
    const record = fullSample(1)
    assert.deepEqual(await store.insert({ ...record, revision: 7, epoch: 9 }), { inserted: true, evicted: [] })
    assert.deepEqual(await other.get(record.id), { ...record, revision: 0, epoch: 0 })
  },
  'throws when the id exists, and keeps the first record': async ({ store, other }) => {
    await store.insert(sample(1))
    await assert.rejects(async () => other.insert(sample(1, { digest: 'C'.repeat(43), createdAt: now })))
    assert.deepEqual(await store.get(sampleId(1)), sample(1))
  },
  'throws when the id belongs to an ended session': async ({ store }) => {
    await store.insert(sample(1))
    await store.revoke({ id: sampleId(1) }, { at: now, reason: 'logout' })
    await assert.rejects(async () => store.insert(sample(1)))
    assert.equal((await store.get(sampleId(1)))?.reason, 'logout')
  },
  'throws when the id exists, though the cap would refuse it anyway': async ({ store }) => {
    await store.insert(sample(1))
    await assert.rejects(async () => store.insert(sample(1), { ...refusing, max: 1 }))
  },
  'throws for what is not a session id': async ({ store }) => {
    for (const id of ['', 'short', `${sampleId(1)}0`, `${sampleId(1).slice(0, 23)}!`]) {
      await assert.rejects(async () => store.insert(sample(1, { id })), `inserted ${JSON.stringify(id)}`)
    }
    assert.deepEqual(await everyRecord(store), [])
  },
  'lets one of many parallel callers insert an id': async ({ store, all }) => {
    const inserted = await parallel(all, callers, async (each, caller) => {
      try {
        return (await each.insert(sample(1, { label: `caller ${caller}` }))).inserted
      } catch {
        return false
      }
    })
    assert.equal(inserted.filter(Boolean).length, 1)
    assert.equal((await store.get(sampleId(1)))?.label, `caller ${inserted.indexOf(true)}`)
  },
  'keeps the cap among parallel insertions and reports each eviction once': async ({ store, all }) => {
    const insertions = await parallel(all, callers, (each, caller) => each.insert(sample(caller), cap))
    const evicted = insertions.flatMap((insertion) => insertion.evicted)
    const records = await everyRecord(store)
    assert.equal(records.length, callers)
    assert.equal(liveIds(records, now).length, cap.max)
    assert.equal(evicted.length, callers - cap.max)
    assert.equal(new Set(evicted).size, callers - cap.max)
    for (const id of evicted) assert.equal((await store.get(id))?.reason, 'evicted')
  },
  'lets exactly as many parallel insertions in as the cap allows when it refuses': async ({ store, all }) => {
    const insertions = await parallel(all, callers, (each, caller) => each.insert(sample(caller), refusing))
    assert.equal(insertions.filter(({ inserted }) => inserted).length, refusing.max)
    assert.equal((await everyRecord(store)).length, refusing.max)
  },
  'takes a cap that nobody reaches, as large as a number is exact': async ({ store }) => {
    const limitless = { ...refusing, max: Number.MAX_SAFE_INTEGER }
    for (const number of [1, 2]) assert.deepEqual(await store.insert(sample(number), limitless), { inserted: true, evicted: [] })
    assert.equal((await everyRecord(store)).length, 2)
  },
  'evicts the earliest created, at the given instant': async ({ store }) => {
    for (const number of [30, 10, 20]) await store.insert(sample(number))
    await store.touch([{ id: sampleId(10), seenAt: now, idleExpiresAt: now + minute, ip: null }])
    const { evicted } = await store.insert(sample(40), { ...cap, max: 3 })
    assert.deepEqual(evicted, [sampleId(10)])
    const record = await store.get(sampleId(10))
    assert.deepEqual([record?.revokedAt, record?.reason], [now, 'evicted'])
  },
  'evicts the least recently seen when so asked': async ({ store }) => {
    for (const number of [10, 20, 30]) await store.insert(sample(number))
    await store.touch([{ id: sampleId(10), seenAt: now, idleExpiresAt: now + 30 * minute, ip: null }])
    const { evicted } = await store.insert(sample(40), { ...cap, max: 3, whenFull: 'evict-idle' })
    assert.deepEqual(evicted, [sampleId(20)])
  },
  'evicts as many as a lowered cap needs': async ({ store }) => {
    for (const number of [1, 2, 3, 4]) await store.insert(sample(number))
    const { evicted } = await store.insert(sample(5), { ...cap, max: 2 })
    assert.deepEqual([...evicted].sort(), [sampleId(1), sampleId(2), sampleId(3)].sort())
  },
  'counts neither revoked nor expired sessions, nor those of other subjects': async ({ store }) => {
    await store.insert(sample(1, { idleExpiresAt: now }))
    await store.insert(sample(2, { absoluteExpiresAt: now }))
    await store.insert(sample(3))
    await store.revoke({ id: sampleId(3) }, { at: start, reason: 'logout' })
    await store.insert(sample(4, { subject: 'bob' }))
    await store.insert(sample(5, { subject: null }))
    const only = { ...refusing, max: 1 }
    assert.deepEqual(await store.insert(sample(6), only), { inserted: true, evicted: [] })
    assert.deepEqual(await store.insert(sample(7), only), { inserted: false, evicted: [] })
  },
  'knows no cap for anonymous sessions': async ({ store }) => {
    await store.insert(sample(1))
    for (const number of [2, 3]) {
      const insertion = await store.insert(sample(number, { subject: null }), { ...refusing, max: 1, replaces: sampleId(1) })
      assert.deepEqual(insertion, { inserted: true, evicted: [] })
    }
    assert.equal(liveIds(await everyRecord(store), now).length, 3)
  },
  'changes nothing when it refuses': async ({ store }) => {
    for (const number of [1, 2]) await store.insert(sample(number))
    const before = await everyRecord(store)
    const refused = await store.insert(sample(3), { ...refusing, max: 1, replaces: sampleId(1) })
    assert.deepEqual(refused, { inserted: false, evicted: [] })
    assert.deepEqual(await everyRecord(store), before)
  },
  'evicts nobody for an id that exists': async ({ store }) => {
    for (const number of [1, 2]) await store.insert(sample(number))
    await assert.rejects(async () => store.insert(sample(2), { ...cap, max: 1 }))
    assert.equal(liveIds(await everyRecord(store), now).length, 2)
  },
  'revokes the session that it replaces, which is neither counted nor evicted': async ({ store }) => {
    for (const number of [1, 2]) await store.insert(sample(number))
    const insertion = await store.insert(sample(3), { ...cap, max: 2, replaces: sampleId(1) })
    assert.deepEqual(insertion, { inserted: true, evicted: [] })
    const replaced = await store.get(sampleId(1))
    assert.deepEqual([replaced?.revokedAt, replaced?.reason], [now, 'replaced'])
    assert.equal((await store.get(sampleId(2)))?.revokedAt, null)
  },
  'replaces no session of another subject': async ({ store }) => {
    await store.insert(sample(1, { subject: 'bob' }))
    await store.insert(sample(2), { ...cap, replaces: sampleId(1, 'bob') })
    assert.equal((await store.get(sampleId(1, 'bob')))?.revokedAt, null)
  },
}
