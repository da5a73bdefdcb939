/** Reading by id. */
import assert from 'node:assert/strict'
import { type Checks, fullSample, minute, sample, sampleId, start } from './check.ts'

export const getChecks: Checks = {
  'answers undefined for what it does not hold, however malformed': async ({ store }) => {
    await store.insert(sample(1))
    for (const id of [
      sampleId(2),
      '',
      'x',
      '\u0000',
      "' OR 1=1 --",
      'é'.repeat(24),
      sampleId(1).toLowerCase(),
      `${sampleId(1)} `,
    ]) {
      assert.equal(await store.get(id), undefined, JSON.stringify(id))
    }
  },
  'gives a record that belongs to the caller': async ({ store }) => {
    const record = fullSample(1)
    await store.insert(record)
    const first = await store.get(record.id)
    spoil(first)
    assert.deepEqual(await store.get(record.id), record)
    const [listed] = (await store.list({ limit: 1 })).items
    spoil(listed)
    assert.deepEqual(await store.get(record.id), record)
  },
  'keeps nothing of the object that was inserted': async ({ store }) => {
    const given = structuredClone(fullSample(1))
    const before = structuredClone(given)
    await store.insert(given)
    spoil(given)
    assert.deepEqual(await store.get(before.id), before)
  },
  // A failover can lose a change, and another one then gets its revision: a number vouches for nothing.
  'answers what is stored now, whatever had that id and that revision when it was read before': async ({ store, other }) => {
    const ended = { idleExpiresAt: start + minute }
    for (const label of ['before', 'after']) {
      const record = sample(1, { ...ended, label })
      await store.insert(record)
      for (const each of [store, other, store]) assert.deepEqual(await each.get(record.id), record)
      await store.sweep({ endedBefore: start + minute, anonymousEndedBefore: start, limit: 10 })
      for (const each of [store, other]) assert.equal(await each.get(record.id), undefined)
    }
  },
  'answers what is stored now, whatever record the caller holds': async ({ store, other }) => {
    for (const number of [1, 2]) await store.insert(sample(number))
    const [held, another] = [await store.get(sampleId(1)), await store.get(sampleId(2))]
    for (const record of [held, another]) assert.deepEqual(await store.get(sampleId(1), record), sample(1))
    await other.revoke({ id: sampleId(1) }, { at: start + 5, reason: 'admin' })
    for (const each of [store, other]) {
      assert.deepEqual(await each.get(sampleId(1), held), sample(1, { revokedAt: start + 5, reason: 'admin' }))
    }
    assert.equal(await store.get(sampleId(3), held), undefined)
  },
  'still returns records that have expired or were revoked': async ({ store }) => {
    await store.insert(sample(1, { idleExpiresAt: start, absoluteExpiresAt: start }))
    await store.insert(sample(2))
    await store.revoke({ id: sampleId(2) }, { at: start + 5, reason: 'admin' })
    assert.equal((await store.get(sampleId(1)))?.idleExpiresAt, start)
    assert.deepEqual(await store.get(sampleId(2)), sample(2, { revokedAt: start + 5, reason: 'admin' }))
  },
}

/** Changes whatever an object and those inside it let change. */
function spoil(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  for (const inner of Object.values(value)) spoil(inner)
  for (const key of Object.keys(value)) Reflect.set(value, key, 'spoilt')
  if (Array.isArray(value) && Object.isExtensible(value)) Reflect.apply(Array.prototype.push, value, ['spoilt'])
}
