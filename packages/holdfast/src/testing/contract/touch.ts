/** Sightings. */
import assert from 'node:assert/strict'
import type { Sighting } from '../../store/store.ts'
import { type Checks, callers, minute, parallel, sample, sampleId, start } from './check.ts'

function sighting(after: number, changes: Partial<Sighting> = {}): Sighting {
  const seenAt = start + after
  return { id: sampleId(1), seenAt, idleExpiresAt: seenAt + 30 * minute, ip: `192.0.2.${after % 200}`, ...changes }
}

export const touchChecks: Checks = {
  'moves sighting, idle limit and address forward, and not the revision': async ({ store, other }) => {
    await store.insert(sample(1))
    await store.touch([sighting(100)])
    const expected = { seenAt: start + 100, idleExpiresAt: start + 100 + 30 * minute, lastIp: '192.0.2.100' }
    assert.deepEqual(await other.get(sampleId(1)), sample(1, expected))
  },
  'never moves anything back': async ({ store }) => {
    await store.insert(sample(50))
    await store.touch([{ id: sampleId(50), seenAt: start, idleExpiresAt: start, ip: '192.0.2.9' }])
    assert.deepEqual(await store.get(sampleId(50)), sample(50))
  },
  'gives one result in any order and however often repeated': async ({ store, all }) => {
    await store.insert(sample(1))
    const sightings = Array.from({ length: callers }, (_, caller) => sighting(2 + ((caller * 37) % callers)))
    await parallel(all, callers, (each, caller) => each.touch([...sightings.slice(caller), ...sightings.slice(0, caller)]))
    const last = sighting(1 + callers)
    const expected = { seenAt: last.seenAt, idleExpiresAt: last.idleExpiresAt, lastIp: last.ip }
    assert.deepEqual(await store.get(sampleId(1)), sample(1, expected))
  },
  'takes a batch of none, of many, and with unknown ids in it': async ({ store }) => {
    await store.touch([])
    for (let number = 0; number < 100; number += 1) await store.insert(sample(number))
    const all = Array.from({ length: 200 }, (_, number) => sighting(500, { id: sampleId(number) }))
    await store.touch([sighting(1, { id: 'not an id' }), ...all])
    const { items } = await store.list({ limit: 1000 })
    assert.equal(items.length, 100)
    assert.ok(items.every(({ seenAt }) => seenAt === start + 500))
  },
  'changes nothing of a revoked session': async ({ store }) => {
    await store.insert(sample(1))
    await store.revoke({ id: sampleId(1) }, { at: start + 5, reason: 'logout' })
    await store.touch([sighting(100)])
    assert.deepEqual(await store.get(sampleId(1)), sample(1, { revokedAt: start + 5, reason: 'logout' }))
  },
  'changes nothing of a session that was put out with everyone': async ({ store }) => {
    await store.insert(sample(1))
    await store.revoke({ everyone: true }, { at: start + 5, reason: 'everyone-out' })
    await store.touch([sighting(100)])
    assert.equal((await store.get(sampleId(1)))?.seenAt, start + 1)
  },
  'lets no replace lose': async ({ store }) => {
    await store.insert(sample(1))
    await store.touch([sighting(100)])
    assert.equal(await store.replace(sample(1), 0), true)
  },
}
