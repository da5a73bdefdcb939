/** Revocation of one session, of a subject's, and of everyone's. */
import assert from 'node:assert/strict'
import type { Revocation } from '../../store/store.ts'
import { type Checks, callers, everyRecord, liveIds, minute, parallel, sample, sampleId, start } from './check.ts'

const at = start + minute
const logout: Revocation = { at, reason: 'logout' }
const everyoneOut: Revocation = { at, reason: 'everyone-out' }

export const revokeChecks: Checks = {
  'marks a session once and keeps the first instant and reason': async ({ store, other }) => {
    await store.insert(sample(1))
    assert.deepEqual((await store.revoke({ id: sampleId(1) }, logout)).ids, [sampleId(1)])
    assert.deepEqual((await other.revoke({ id: sampleId(1) }, { at: at + 1, reason: 'admin' })).ids, [])
    assert.deepEqual(await other.get(sampleId(1)), sample(1, { revokedAt: at, reason: 'logout' }))
  },
  'returns nothing for what it does not hold': async ({ store }) => {
    assert.deepEqual((await store.revoke({ id: sampleId(1) }, logout)).ids, [])
    assert.deepEqual((await store.revoke({ id: '' }, logout)).ids, [])
    assert.deepEqual((await store.revoke({ subject: 'nobody' }, logout)).ids, [])
  },
  'ends all of a subject, and of nobody else': async ({ store }) => {
    for (const number of [1, 2]) await store.insert(sample(number))
    await store.insert(sample(3, { subject: 'bob' }))
    await store.insert(sample(4, { subject: null }))
    await store.revoke({ id: sampleId(2) }, { at: start, reason: 'admin' })
    assert.deepEqual((await store.revoke({ subject: 'alice' }, logout)).ids, [sampleId(1)])
    assert.equal((await store.get(sampleId(2)))?.reason, 'admin')
    assert.deepEqual(liveIds(await everyRecord(store), at), [sampleId(3, 'bob'), sampleId(4, null)].sort())
  },
  'spares the excepted session': async ({ store }) => {
    for (const number of [1, 2, 3]) await store.insert(sample(number))
    const revoked = await store.revoke({ subject: 'alice', except: sampleId(2) }, logout)
    assert.deepEqual([...revoked.ids].sort(), [sampleId(1), sampleId(3)].sort())
    assert.equal((await store.get(sampleId(2)))?.revokedAt, null)
  },
  'marks expired sessions too, as they may not be so for a clock that is behind': async ({ store }) => {
    await store.insert(sample(1, { idleExpiresAt: start }))
    assert.deepEqual((await store.revoke({ subject: 'alice' }, logout)).ids, [sampleId(1)])
  },
  'shares the work among parallel callers, each session exactly once': async ({ store, all }) => {
    for (let number = 0; number < 20; number += 1) await store.insert(sample(number))
    const revoked = await parallel(all, callers, (each, caller) =>
      each.revoke(caller % 2 === 0 ? { subject: 'alice' } : { id: sampleId(caller % 20) }, logout),
    )
    const ids = revoked.flatMap((each) => each.ids)
    assert.equal(ids.length, 20)
    assert.equal(new Set(ids).size, 20)
    assert.deepEqual(liveIds(await everyRecord(store), at), [])
  },
}

export const everyoneChecks: Checks = {
  'ends every session in one step, for every store at once, and lists none': async ({ store, other }) => {
    await store.insert(sample(1))
    await store.insert(sample(2, { subject: null }))
    assert.deepEqual((await store.revoke({ everyone: true }, everyoneOut)).ids, [])
    assert.deepEqual(await other.get(sampleId(1)), sample(1, { revokedAt: at, reason: 'everyone-out' }))
    assert.deepEqual((await other.list({ liveAt: start, limit: 10 })).items, [])
    assert.ok((await other.list({ limit: 10 })).items.every(({ reason }) => reason === 'everyone-out'))
  },
  'leaves sessions alone that come after it': async ({ store, other }) => {
    await store.insert(sample(1))
    await store.revoke({ everyone: true }, everyoneOut)
    await other.insert(sample(2))
    const record = await store.get(sampleId(2))
    assert.deepEqual([record?.revokedAt, record?.epoch], [null, 1])
    assert.equal(await store.replace(sample(2), 0), true)
    assert.equal((await store.get(sampleId(2)))?.epoch, 1)
    await store.revoke({ everyone: true }, { at: at + 1, reason: 'everyone-out' })
    assert.equal((await other.get(sampleId(2)))?.revokedAt, at + 1)
  },
  'keeps the reason of what was revoked before': async ({ store }) => {
    await store.insert(sample(1))
    await store.revoke({ id: sampleId(1) }, logout)
    await store.revoke({ everyone: true }, { at: at + 1, reason: 'everyone-out' })
    assert.deepEqual(await store.get(sampleId(1)), sample(1, { revokedAt: at, reason: 'logout' }))
  },
  'has nothing left to revoke, nor to count for a cap': async ({ store }) => {
    await store.insert(sample(1))
    await store.revoke({ everyone: true }, everyoneOut)
    assert.deepEqual((await store.revoke({ id: sampleId(1) }, logout)).ids, [])
    assert.deepEqual((await store.revoke({ subject: 'alice' }, logout)).ids, [])
    assert.equal((await store.insert(sample(2), { max: 1, now: at, whenFull: 'refuse' })).inserted, true)
  },
  'leaves alive only what was inserted after the last of parallel ones': async ({ store, all }) => {
    await parallel(all, callers, async (each, caller) => {
      if (caller % 8 === 0) await each.revoke({ everyone: true }, everyoneOut)
      else await each.insert(sample(caller))
    })
    await store.revoke({ everyone: true }, everyoneOut)
    const records = await everyRecord(store)
    assert.equal(records.length, callers - callers / 8)
    assert.deepEqual(liveIds(records, start), [])
  },
}
