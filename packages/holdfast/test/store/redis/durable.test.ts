import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually, type RedisServer, startRedis } from '../../../../../test/services/redis.ts'
import { redisStore } from '../../../src/store/redis.ts'
import { callers, minute, parallel, sample, sampleId, start } from '../../../src/testing/contract/check.ts'
import { connectSingle } from './clients.ts'
import { openNode, until, whole } from './nodes.ts'

const admin = { at: start + minute, reason: 'admin' } as const

let primary: RedisServer
let replica: RedisServer
beforeAll(async () => {
  ;[primary, replica] = await Promise.all([startRedis(), startRedis()])
  await primary.cli('config', 'set', 'repl-diskless-sync-delay', '0')
  await replica.cli('replicaof', '127.0.0.1', String(primary.port))
  await eventually('the replica follows', async () =>
    (await replica.cli('info', 'replication')).includes('master_link_status:up'),
  )
})
afterAll(() => Promise.all([primary.stop(), replica.stop()]))

let prefixes = 0
const fresh = () => {
  prefixes += 1
  return { prefix: `d${prefixes}:` }
}

it('waits for as many replicas as asked for', async () => {
  const node = await openNode(connectSingle(primary.url), { ...fresh(), durability: { replicas: 1, timeoutMs: 1000 } })
  await whole(node.feed)
  for (const number of [1, 2]) await node.store.insert(sample(number))
  expect(await node.store.revoke({ id: sampleId(1) }, admin)).toEqual({ ids: [sampleId(1)], durable: true })
  expect(await node.store.revoke({ subject: 'alice' }, admin)).toEqual({ ids: [sampleId(2)], durable: true })
  expect(await node.store.revoke({ everyone: true }, admin)).toEqual({ ids: [], durable: true })
})

it('reports what too few replicas have, or refuses it, and shares one wait among many', async () => {
  const options = fresh()
  const accepting = await openNode(connectSingle(primary.url), { ...options, durability: { replicas: 2, timeoutMs: 200 } })
  const refusing = await openNode(connectSingle(primary.url), {
    ...options,
    durability: { replicas: 2, timeoutMs: 200, whenNotDurable: 'refuse' },
  })
  await Promise.all([whole(accepting.feed), whole(refusing.feed)])
  for (let number = 0; number < callers; number += 1) await accepting.store.insert(sample(number))
  const before = performance.now()
  const revoked = await parallel([accepting.store], callers, (store, caller) => store.revoke({ id: sampleId(caller) }, admin))
  expect(performance.now() - before).toBeLessThan(2000)
  expect(revoked.every(({ ids, durable }) => ids.length === 1 && !durable)).toBe(true)
  await refusing.store.insert(sample(100))
  await expect(Promise.resolve(refusing.store.revoke({ id: sampleId(100) }, admin))).rejects.toThrow('recorded')
  expect((await accepting.store.get(sampleId(100)))?.reason).toBe('admin')
})

it('never says durable when the replica is frozen, and says it again when it is back', async () => {
  const options = { ...fresh(), durability: { replicas: 1, timeoutMs: 50 } }
  const [node, other] = await Promise.all([
    openNode(connectSingle(primary.url), options),
    openNode(connectSingle(primary.url), options),
  ])
  await Promise.all([whole(node.feed), whole(other.feed)])
  for (const number of [1, 2, 3]) await node.store.insert(sample(number))
  replica.freeze()
  expect((await node.store.revoke({ id: sampleId(1) }, admin)).durable).toBe(false)
  expect((await node.store.revoke({ id: sampleId(2) }, admin)).durable).toBe(false)
  // WAIT covers what any connection wrote before: a repeated order says no more than the first.
  expect(await other.store.revoke({ id: sampleId(1) }, admin)).toEqual({ ids: [], durable: false })
  replica.thaw()
  // A repeated order changes nothing, and still waits for replicas that have it.
  await until('it is durable', async () => (await node.store.revoke({ id: sampleId(1) }, admin)).durable)
  expect(await node.store.revoke({ id: sampleId(3) }, admin)).toEqual({ ids: [sampleId(3)], durable: true })
})

it('refuses options out of range', async () => {
  const { client, close } = await connectSingle(primary.url)
  for (const options of [
    { durability: { replicas: -1 } },
    { durability: { timeoutMs: 0 } },
    { durability: { timeoutMs: 5000 } },
    { prefix: '{x}' },
    { prefix: '' },
    { retention: 0 },
    { maxInFlight: 1.5 },
  ]) {
    expect(() => redisStore(client, options)).toThrow(RangeError)
  }
  close()
})
