/** A subject whose sessions carry two slot tags, as after a change of the signing key. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type RedisServer, startRedis } from '../../../../../test/services/redis.ts'
import type { SessionCap, SessionRecord } from '../../../src/store/store.ts'
import { minute, sample, sampleId, start } from '../../../src/testing/contract/check.ts'
import { connectSingle } from './clients.ts'
import { openNode } from './nodes.ts'

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

const at = start + minute
/** Of `alice`, with the slot tag that another key gives her. */
const old = (number: number): SessionRecord => sample(number, { id: `zzzz${String(number).padStart(20, '0')}` })
const cap = (whenFull: SessionCap['whenFull'], max = 3): SessionCap => ({ max, now: at, whenFull })

let prefixes = 0
async function openStore() {
  prefixes += 1
  const { store } = await openNode(connectSingle(server.url), { prefix: `r${prefixes}:` })
  return store
}

it('counts the sessions of both tags for the cap, and evicts the oldest', async () => {
  const store = await openStore()
  for (const number of [1, 2]) await store.insert(old(number))
  await store.insert(sample(3))
  expect(await store.insert(sample(4), cap('refuse'))).toEqual({ inserted: false, evicted: [] })
  expect(await store.insert(sample(4), cap('evict-oldest'))).toEqual({ inserted: true, evicted: [old(1).id] })
  expect(await store.insert(sample(5), cap('evict-oldest', 2))).toEqual({ inserted: true, evicted: [old(2).id, sampleId(3)] })
  expect((await store.list({ subject: 'alice', liveAt: at, limit: 10 })).items.map(({ id }) => id)).toEqual([
    sampleId(5),
    sampleId(4),
  ])
})

it('replaces a session of the other tag', async () => {
  const store = await openStore()
  await store.insert(old(1))
  const insertion = await store.insert(sample(2), { ...cap('refuse', 1), replaces: old(1).id })
  expect(insertion).toEqual({ inserted: true, evicted: [] })
  expect((await store.get(old(1).id))?.reason).toBe('replaced')
})

it('lists and revokes the sessions of both tags, newest first, and spares one', async () => {
  const store = await openStore()
  await store.insert(old(1))
  await store.insert(sample(2))
  await store.insert(old(3))
  const { items } = await store.list({ subject: 'alice', limit: 10 })
  expect(items.map(({ id }) => id)).toEqual([old(3).id, sampleId(2), old(1).id])
  const { ids } = await store.revoke({ subject: 'alice', except: old(3).id }, { at, reason: 'admin' })
  expect([...ids].sort()).toEqual([sampleId(2), old(1).id].sort())
})

it('does not touch a stranger whose sessions share the tag', async () => {
  const store = await openStore()
  await store.insert(sample(1))
  await store.insert(sample(2, { id: sampleId(2), subject: 'bob' }))
  await store.revoke({ subject: 'alice' }, { at, reason: 'admin' })
  expect((await store.get(sampleId(2)))?.revokedAt).toBe(null)
  expect(await store.insert(sample(3), cap('refuse', 1))).toEqual({ inserted: true, evicted: [] })
})
