/** Compare-and-swap of a record. */
import assert from 'node:assert/strict'
import { type Checks, callers, fullSample, minute, parallel, sample, sampleId, start } from './check.ts'

const later = start + minute

export const replaceChecks: Checks = {
  'writes every field at the right revision and counts it': async ({ store, other }) => {
    await store.insert(sample(1))
    const next = { ...fullSample(1), absoluteExpiresAt: start + 5 * minute }
    assert.equal(await store.replace(next, 0), true)
    assert.deepEqual(await other.get(next.id), { ...next, revision: 1 })
    assert.equal(await other.replace(sample(1), 1), true)
    assert.deepEqual(await store.get(next.id), { ...sample(1), revision: 2 })
  },
  'has one winner among parallel callers at one revision': async ({ store, all }) => {
    await store.insert(sample(1))
    const label = (caller: number) => `caller ${caller}`
    const won = await parallel(all, callers, (each, caller) => each.replace(sample(1, { label: label(caller) }), 0))
    assert.equal(won.filter(Boolean).length, 1)
    const record = await store.get(sampleId(1))
    assert.deepEqual([record?.revision, record?.label], [1, label(won.indexOf(true))])
  },
  'changes nothing at another revision': async ({ store }) => {
    await store.insert(sample(1))
    for (const revision of [-1, 1, 0.5, Number.NaN]) assert.equal(await store.replace(sample(1, { label: 'x' }), revision), false)
    assert.deepEqual(await store.get(sampleId(1)), sample(1))
  },
  'never creates': async ({ store }) => {
    assert.equal(await store.replace(sample(1), 0), false)
    assert.equal(await store.get(sampleId(1)), undefined)
    await store.insert(sample(2, { idleExpiresAt: start + 1 }))
    assert.equal(await store.sweep({ endedBefore: start + 1, anonymousEndedBefore: start, limit: 1 }), 1)
    assert.equal(await store.replace(sample(2), 0), false)
    assert.equal(await store.get(sampleId(2)), undefined)
  },
  'never revives a revoked session': async ({ store }) => {
    await store.insert(sample(1))
    await store.revoke({ id: sampleId(1) }, { at: later, reason: 'logout' })
    assert.equal(await store.replace(sample(1), 0), false)
    assert.deepEqual(await store.get(sampleId(1)), sample(1, { revokedAt: later, reason: 'logout' }))
  },
  'never revives a session that was put out with everyone': async ({ store }) => {
    await store.insert(sample(1))
    await store.revoke({ everyone: true }, { at: later, reason: 'everyone-out' })
    assert.equal(await store.replace(sample(1, { epoch: 99 }), 0), false)
    assert.equal((await store.get(sampleId(1)))?.revokedAt, later)
  },
  'leaves a session dead that is revoked while many replace it': async ({ store, all }) => {
    await store.insert(sample(1))
    await parallel(all, callers, async (each, caller) => {
      if (caller === callers / 2) await each.revoke({ id: sampleId(1) }, { at: later, reason: 'logout' })
      const record = await each.get(sampleId(1))
      if (record !== undefined) await each.replace({ ...record, revokedAt: null, reason: null }, record.revision)
    })
    assert.equal((await store.get(sampleId(1)))?.reason, 'logout')
  },
  'keeps a later sighting, with its address': async ({ store }) => {
    await store.insert(sample(1))
    await store.touch([{ id: sampleId(1), seenAt: later, idleExpiresAt: later + minute * 30, ip: '192.0.2.9' }])
    await store.replace(sample(1, { label: 'new' }), 0)
    const record = await store.get(sampleId(1))
    assert.deepEqual([record?.seenAt, record?.idleExpiresAt, record?.lastIp], [later, later + minute * 30, '192.0.2.9'])
    assert.equal(record?.label, 'new')
  },
  'shortens a session by its absolute limit': async ({ store }) => {
    await store.insert(sample(1))
    await store.replace(sample(1, { absoluteExpiresAt: later }), 0)
    assert.deepEqual((await store.list({ liveAt: later, limit: 1 })).items, [])
    assert.equal(await store.sweep({ endedBefore: later, anonymousEndedBefore: start, limit: 1 }), 1)
  },
  'keeps subject, creation, revocation and epoch as they are stored': async ({ store }) => {
    await store.insert(sample(1))
    const changed = {
      subject: 'mallory',
      createdAt: later,
      revokedAt: later,
      reason: 'admin',
      epoch: 9,
      id: sampleId(1),
    } as const
    assert.equal(await store.replace({ ...sample(1), ...changed }, 0), true)
    assert.deepEqual(await store.get(sampleId(1)), sample(1, { revision: 1 }))
    assert.deepEqual((await store.list({ subject: 'mallory', limit: 1 })).items, [])
  },
}
