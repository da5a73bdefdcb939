/** Deleting what has ended. */
import assert from 'node:assert/strict'
import type { SweepQuery } from '../../store/store.ts'
import { type Checks, callers, everyRecord, minute, parallel, sample, sampleId, start } from './check.ts'

const end = start + minute
const query: SweepQuery = { endedBefore: end, anonymousEndedBefore: end, limit: 100 }

export const sweepChecks: Checks = {
  'deletes what ended at or before the instant, in each of the ways to end': async ({ store, other }) => {
    await store.insert(sample(1, { idleExpiresAt: end }))
    await store.insert(sample(2, { absoluteExpiresAt: end }))
    await store.insert(sample(3))
    await store.revoke({ id: sampleId(3) }, { at: end, reason: 'logout' })
    await store.insert(sample(4, { idleExpiresAt: end + 1 }))
    await store.insert(sample(5))
    await store.revoke({ id: sampleId(5) }, { at: end + 1, reason: 'logout' })
    assert.equal(await store.sweep(query), 3)
    const left = (await everyRecord(other)).map(({ id }) => id)
    assert.deepEqual(left, [sampleId(5), sampleId(4)])
    assert.equal(await store.get(sampleId(1)), undefined)
  },
  'keeps anonymous and signed-in sessions for their own times': async ({ store }) => {
    await store.insert(sample(1, { idleExpiresAt: end }))
    await store.insert(sample(2, { subject: null, idleExpiresAt: end }))
    assert.equal(await store.sweep({ ...query, endedBefore: start }), 1)
    assert.equal(await store.get(sampleId(2, null)), undefined)
    assert.equal(await store.sweep({ ...query, anonymousEndedBefore: start }), 1)
    assert.equal(await store.get(sampleId(1)), undefined)
  },
  'deletes no more than the limit, and all of it in the end': async ({ store }) => {
    for (let number = 0; number < 10; number += 1) {
      await store.insert(sample(number, { idleExpiresAt: end, subject: number % 2 === 0 ? null : 'alice' }))
    }
    await store.insert(sample(99))
    const limited = { ...query, limit: 4 }
    const counts = [
      await store.sweep(limited),
      await store.sweep(limited),
      await store.sweep(limited),
      await store.sweep(limited),
    ]
    assert.deepEqual(counts, [4, 4, 2, 0])
    assert.equal((await everyRecord(store)).length, 1)
  },
  'spares a session that was seen meanwhile': async ({ store }) => {
    await store.insert(sample(1, { idleExpiresAt: end }))
    await store.touch([{ id: sampleId(1), seenAt: end - 1, idleExpiresAt: end + 1, ip: null }])
    assert.equal(await store.sweep(query), 0)
    assert.equal((await store.get(sampleId(1)))?.idleExpiresAt, end + 1)
    assert.equal(await store.sweep({ ...query, endedBefore: end + 1 }), 1)
  },
  'deletes what was put out with everyone, and nothing that came after': async ({ store }) => {
    await store.insert(sample(1))
    await store.insert(sample(2, { subject: null }))
    await store.revoke({ everyone: true }, { at: end, reason: 'everyone-out' })
    await store.insert(sample(3))
    assert.equal(await store.sweep({ ...query, endedBefore: end - 1, anonymousEndedBefore: end - 1 }), 0)
    assert.equal(await store.sweep(query), 2)
    assert.deepEqual(
      (await everyRecord(store)).map(({ id }) => id),
      [sampleId(3)],
    )
  },
  'shares the work among parallel sweepers': async ({ store, all }) => {
    for (let number = 0; number < 50; number += 1) await store.insert(sample(number, { idleExpiresAt: end }))
    const counts = await parallel(all, callers, (each) => each.sweep({ ...query, limit: 3 }))
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      50,
    )
  },
  'frees the id and the place of what it deleted': async ({ store }) => {
    for (let round = 0; round < 3; round += 1) {
      for (let number = 0; number < 50; number += 1) await store.insert(sample(number, { idleExpiresAt: end }))
      assert.equal(await store.sweep({ ...query, limit: 30 }), 30)
      assert.equal(await store.sweep(query), 20)
    }
    assert.deepEqual(await everyRecord(store), [])
  },
}
