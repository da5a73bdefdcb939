import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { type RedisServer, startRedis } from '../../../../../test/services/redis.ts'
import { startTcpProxy } from '../../../../../test/services/tcp-proxy.ts'
import { type RedisStore, redisStore } from '../../../src/store/redis.ts'
import { sampleKey } from '../../../src/testing/contract/api-keys.ts'
import { callers, minute, parallel, sample, sampleId, start } from '../../../src/testing/contract/check.ts'
import { connectSingle } from './clients.ts'
import { openNode, until } from './nodes.ts'

const logout = { at: start + minute, reason: 'logout' } as const

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

let prefixes = 0
const fresh = () => {
  prefixes += 1
  return { prefix: `f${prefixes}:` }
}

it('works on when the server has forgotten the scripts', async () => {
  const { store } = await openNode(connectSingle(server.url), fresh())
  await store.insert(sample(1))
  await server.cli('script', 'flush')
  const numbers = Array.from({ length: callers }, (_, caller) => caller + 2)
  await Promise.all(numbers.map((number) => store.insert(sample(number))))
  await server.cli('script', 'flush')
  expect((await store.revoke({ subject: 'alice' }, logout)).ids).toHaveLength(callers + 1)
})

it('throws at once while the server is away, and works again without a restart', async () => {
  const own = await startRedis()
  const { store } = await openNode(connectSingle(own.url), fresh())
  await store.insert(sample(1))
  await own.kill()
  await until('the loss is noticed', async () => {
    const start = performance.now()
    const fault: unknown = await Promise.resolve(store.get(sampleId(1))).catch((error: unknown) => error)
    return fault instanceof Error && performance.now() - start < 50
  })
  await expect(Promise.resolve(store.revoke({ id: sampleId(1) }, logout))).rejects.toThrow()
  await expect(Promise.resolve(store.insert(sample(2)))).rejects.toThrow()
  await own.restart()
  await until('it answers again', async () => (await store.insert(sample(2))).inserted)
  await own.stop()
})

it('reads on when the server has no memory left, and changes nothing by halves', async () => {
  const own = await startRedis({ args: ['--maxmemory-policy', 'noeviction'] })
  const { store } = await openNode(connectSingle(own.url), fresh())
  await store.insert(sample(1))
  await own.cli('config', 'set', 'maxmemory', '1')
  const cap = { max: 1, now: logout.at, whenFull: 'evict-oldest' } as const
  await expect(Promise.resolve(store.insert(sample(2), cap))).rejects.toThrow('OOM')
  await expect(Promise.resolve(store.replace(sample(1, { label: 'other' }), 0))).rejects.toThrow('OOM')
  await expect(
    Promise.resolve(store.touch([{ id: sampleId(1), seenAt: logout.at, idleExpiresAt: logout.at, ip: null }])),
  ).rejects.toThrow('OOM')
  expect(await store.get(sampleId(1))).toEqual(sample(1))
  await own.cli('config', 'set', 'maxmemory', '0')
  expect((await store.insert(sample(2), cap)).evicted).toEqual([sampleId(1)])
  await own.stop()
})

it('ends sessions and API keys although the server has no memory left', async () => {
  const own = await startRedis({ args: ['--maxmemory', '48mb', '--maxmemory-policy', 'noeviction'] })
  const { store } = await openNode(connectSingle(own.url), fresh())
  const { apiKeys } = store
  for (const number of [1, 2, 3]) await store.insert(sample(number))
  for (const number of [1, 2]) await apiKeys.insert(sampleKey(number, { id: `key${number}`, owner: 'alice' }))
  await own.cli('setrange', 'filler', String(64 * 2 ** 20), 'x')
  await expect(Promise.resolve(store.insert(sample(4)))).rejects.toThrow('OOM')
  expect((await store.revoke({ id: sampleId(1) }, logout)).ids).toEqual([sampleId(1)])
  expect((await store.revoke({ subject: 'alice', except: sampleId(3) }, logout)).ids).toEqual([sampleId(2)])
  await store.revoke({ everyone: true }, { at: logout.at, reason: 'everyone-out' })
  expect(await apiKeys.revoke('key1', logout.at)).toBe(true)
  expect(await apiKeys.revokeOwner('alice', logout.at)).toEqual(['key2'])
  const { store: other } = await openNode(connectSingle(own.url), { prefix: `f${prefixes}:` })
  const reasons = await Promise.all([1, 2, 3].map(async (number) => (await other.get(sampleId(number)))?.reason))
  expect(reasons).toEqual(['logout', 'logout', 'everyone-out'])
  expect((await other.apiKeys.list({ limit: 9 })).items.map(({ revokedAt }) => revokedAt)).toEqual([logout.at, logout.at])
  await own.stop()
})

it('reads on at a server that became a replica, and throws for every change', async () => {
  const [own, other] = await Promise.all([startRedis(), startRedis()])
  const { store } = await openNode(connectSingle(own.url), fresh())
  await store.insert(sample(1))
  await own.cli('config', 'set', 'replica-serve-stale-data', 'yes')
  await own.cli('replicaof', '127.0.0.1', '1')
  await expect(Promise.resolve(store.insert(sample(2)))).rejects.toThrow('READONLY')
  await expect(Promise.resolve(store.revoke({ id: sampleId(1) }, logout))).rejects.toThrow('READONLY')
  expect(await store.get(sampleId(1))).toEqual(sample(1))
  await own.cli('replicaof', 'no', 'one')
  await until('it takes changes again', async () => (await store.revoke({ id: sampleId(1) }, logout)).ids.length === 1)
  await Promise.all([own.stop(), other.stop()])
})

it.each([
  ['reads', (store: RedisStore) => store.get(sampleId(1))],
  ['commands', (store: RedisStore) => store.tickets.take('ticket', start)],
] as const)('refuses more %s than may wait when nothing answers', async (_what, ask) => {
  const proxy = await startTcpProxy(server)
  const { client, close } = await connectSingle(`redis://127.0.0.1:${proxy.port}`)
  const store = redisStore(client, { ...fresh(), maxInFlight: 10, durability: { replicas: 0 } })
  proxy.hold()
  const calls = Array.from({ length: 11 }, async () => ask(store))
  await expect(calls[10]).rejects.toThrow('more than 10 Redis commands')
  proxy.release()
  await Promise.all(calls.slice(0, 10))
  expect(await ask(store)).toBe(undefined)
  await store[Symbol.asyncDispose]()
  close()
  await proxy.stop()
})

it('comes back from a connection that was lost without a word, however much is asked meanwhile', async () => {
  const proxy = await startTcpProxy(server)
  onTestFinished(() => proxy.stop())
  const watch = { pingInterval: 100, socketTimeout: 1000 }
  const { store, feed } = await openNode(connectSingle(`redis://127.0.0.1:${proxy.port}`, watch), fresh())
  await store.insert(sample(1))
  proxy.lose()
  let answered = false
  await until('it answers again', () => {
    // As an engine does whose callers never rest: each of these would have the driver wait for longer.
    feed.confirm(Date.now(), 1000)
    void Promise.resolve()
      .then(() => store.get(sampleId(1)))
      .then(
        () => {
          answered = true
        },
        () => undefined,
      )
    return answered
  })
})

it('leaves each race with one winner when connections are slow and break', async () => {
  const proxy = await startTcpProxy(server)
  const options = fresh()
  const direct = await openNode(connectSingle(server.url), options)
  const shaky = await openNode(connectSingle(`redis://127.0.0.1:${proxy.port}`), options)
  await direct.store.insert(sample(1))
  proxy.delay(20)
  const revoking = parallel([direct.store, shaky.store], callers, (store) =>
    Promise.resolve(store.revoke({ subject: 'alice' }, logout)).then(
      ({ ids }) => ids,
      () => [],
    ),
  )
  proxy.cut()
  const won = (await revoking).flat()
  expect(won.length).toBeLessThanOrEqual(1)
  expect((await direct.store.get(sampleId(1)))?.revokedAt).toBe(logout.at)
  await proxy.stop()
})

it('calls a record damaged that it cannot read, names it without what stands in it, and fails nobody else', async () => {
  const options = fresh()
  const { store } = await openNode(connectSingle(server.url), options)
  const other = sample(2, { subject: 'bob' })
  for (const each of [sample(1), other]) await store.insert(each)
  const tag = sampleId(1).slice(0, 4)
  const key = `${options.prefix}s{${tag.slice(0, 2)}}${tag.slice(2)}`
  const text = await server.cli('--no-raw', 'strlen', key)
  const length = Number(/\d+/.exec(text)?.[0])
  for (const [offset, bytes] of [
    ['30', '!'],
    ['62', 'x'],
    [String(length - 20), '\u001f'],
  ] as const) {
    const kept = await server.cli('copy', key, `${key}.kept`, 'replace')
    expect(kept).toBe('1')
    await server.cli('setrange', key, offset, bytes)
    const [damaged, sound] = await Promise.allSettled([sampleId(1), other.id].map(async (id) => store.get(id)))
    expect(String((damaged as PromiseRejectedResult).reason)).toContain(`the stored session ${sampleId(1)} is damaged`)
    expect(sound).toEqual({ status: 'fulfilled', value: other })
    await server.cli('copy', `${key}.kept`, key, 'replace')
  }
  expect(await store.get(sampleId(1))).toEqual(sample(1))
})

it('keeps what a later release added to a record', async () => {
  const options = fresh()
  const { store } = await openNode(connectSingle(server.url), options)
  for (const number of [1, 2]) await store.insert(sample(number))
  const tag = sampleId(1).slice(0, 4)
  const key = `${options.prefix}s{${tag.slice(0, 2)}}${tag.slice(2)}`
  await server.cli('append', key, '\u001dlater=1')
  expect(await store.replace(sample(2, { label: 'renamed' }), 0)).toBe(true)
  expect(await store.replace(sample(1, { label: 'renamed' }), 0)).toBe(true)
  await store.touch([{ id: sampleId(2), seenAt: start + minute, idleExpiresAt: start + 60 * minute, ip: '192.0.2.77' }])
  expect((await store.get(sampleId(2)))?.label).toBe('renamed')
  expect((await server.cli('get', key)).endsWith('\u001dlater=1')).toBe(true)
  expect((await server.cli('get', key)).split('later=1')).toHaveLength(2)
})

it('keeps the first address apart when the last one changes', async () => {
  const { store } = await openNode(connectSingle(server.url), fresh())
  for (const number of [1, 2]) await store.insert(sample(number))
  const sighting = { seenAt: start + minute, idleExpiresAt: start + 40 * minute }
  await store.touch([{ id: sampleId(1), ...sighting, ip: '2001:db8::7' }])
  await store.touch([{ id: sampleId(1), ...sighting, seenAt: start + 2 * minute, ip: null }])
  expect(await store.get(sampleId(1))).toMatchObject({ firstIp: '192.0.2.1', lastIp: null, userAgent: sample(1).userAgent })
  expect(await store.get(sampleId(2))).toEqual(sample(2))
})

it('lets keys outlive their sessions by the retention and no longer', async () => {
  const options = { ...fresh(), retention: 5000 }
  const { store } = await openNode(connectSingle(server.url), options)
  await store.insert(sample(1, { absoluteExpiresAt: start + 10 * minute }))
  const tag = sampleId(1).slice(0, 4)
  const lifetime = async (kind: string) =>
    Number(await server.cli('pttl', `${options.prefix}${kind}{${tag.slice(0, 2)}}${tag.slice(2)}`))
  expect(await lifetime('s')).toBeGreaterThan(10 * minute)
  expect(await lifetime('s')).toBeLessThanOrEqual(10 * minute + 5000)
  await store.revoke({ id: sampleId(1) }, logout)
  expect(await lifetime('e')).toBeGreaterThan(4000)
  expect(await lifetime('e')).toBeLessThanOrEqual(5000)
})
