import { createClient, createCluster, createSentinel } from 'redis'
import { expect, it, onTestFinished } from 'vitest'
import { freePorts } from '../../../../../test/services/ports.ts'
import { type RedisServerOptions, startRedis, startRedisCluster } from '../../../../../test/services/redis.ts'
import { connectRedis, inspectRedis, type RedisClient, RedisOpenError } from '../../../src/store/redis.ts'

async function server(options?: RedisServerOptions) {
  const started = await startRedis(options)
  onTestFinished(() => started.stop())
  return started
}

async function refusalOf(client: RedisClient): Promise<RedisOpenError> {
  const fault: unknown = await connectRedis(client).catch((error: unknown) => error)
  if (!(fault instanceof RedisOpenError)) throw new Error('it was not refused', { cause: fault })
  return fault
}

it('says what a server is, and what about it endangers sessions', async () => {
  const { url } = await server({ args: ['--maxmemory-policy', 'allkeys-lru'] })
  const client = createClient({ url })
  const report = await connectRedis(client)
  expect(report).toMatchObject({ mode: 'single', slotsServed: null, nodes: [{ name: 'primary', product: 'redis', replicas: 0 }] })
  expect(report.warnings.join('\n')).toMatch(/maxmemory-policy is allkeys-lru; set noeviction/)
  expect(report.warnings.join('\n')).toMatch(/appendonly is off/)
  client.destroy()
})

it('has nothing to say about eviction where none happens', async () => {
  const { url } = await server({ args: ['--maxmemory-policy', 'noeviction', '--appendonly', 'yes'] })
  const client = createClient({ url })
  expect((await connectRedis(client)).warnings).toEqual([
    'primary: no replica; revocations do not survive the loss of this server',
  ])
  client.destroy()
})

it('refuses a wrong password and a missing one', async () => {
  const { port } = await server({ password: 'right' })
  for (const url of [`redis://:wrong@127.0.0.1:${port}`, `redis://127.0.0.1:${port}`]) {
    const refusal = await refusalOf(createClient({ url }))
    expect([refusal.problem, refusal.message]).toEqual([
      'refused',
      'cannot use Redis as a session store: the user name or password is wrong or missing',
    ])
  }
})

it('refuses an address where nothing answers, at once', async () => {
  const [port] = await freePorts(1)
  const refusal = await refusalOf(createClient({ url: `redis://127.0.0.1:${port}` }))
  expect(refusal.problem).toBe('unreachable')
  expect(refusal.message).toMatch(/no server answers .*ECONNREFUSED/)
})

it('refuses TLS where the server speaks none, and says what to look at', async () => {
  const { port } = await server()
  const refusal = await refusalOf(createClient({ url: `rediss://127.0.0.1:${port}`, socket: { connectTimeout: 200 } }))
  expect(refusal.problem).toBe('unreachable')
  expect(refusal.message).toMatch(/redis:\/\/ or rediss:\/\//)
})

it('refuses a single server where a cluster was to be, and a cluster of which nothing answers', async () => {
  const { url } = await server()
  expect((await refusalOf(createCluster({ rootNodes: [{ url }] }))).problem).toBe('not-a-cluster')
  const [port] = await freePorts(1)
  expect((await refusalOf(createCluster({ rootNodes: [{ url: `redis://127.0.0.1:${port}` }] }))).message).toMatch(/ECONNREFUSED/)
})

it('stops asking for sentinels when it is told to', async () => {
  const [port = 0] = await freePorts(1)
  const client = createSentinel({ name: 'sessions', sentinelRootNodes: [{ host: '127.0.0.1', port }] })
  await expect(connectRedis(client, AbortSignal.timeout(200))).rejects.toMatchObject({ problem: 'unreachable' })
})

it('refuses a replica', async () => {
  const { url, cli } = await server()
  await cli('replicaof', '127.0.0.1', '1')
  expect((await refusalOf(createClient({ url }))).problem).toBe('not-primary')
})

it('refuses a server that is too old, and names the versions', async () => {
  const old = { isReady: true, sendCommand: async () => 'redis_version:5.0.14\r\nrole:master\r\n' }
  await expect(inspectRedis(old)).rejects.toThrow('primary is version 5.0.14: 6.2 or newer is needed')
  const older = { isReady: true, sendCommand: () => Promise.reject(new Error("ERR unknown command 'HELLO'")) }
  await expect(inspectRedis(older)).rejects.toMatchObject({ problem: 'too-old' })
})

it('knows Valkey by name', async () => {
  const info =
    'redis_version:7.2.4\r\nvalkey_version:8.1.0\r\nrole:master\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\nconnected_slaves:1\r\n'
  const report = await inspectRedis({ isReady: true, sendCommand: async () => info })
  expect(report).toMatchObject({ nodes: [{ product: 'valkey', version: '8.1.0' }], warnings: [] })
})

it('counts the slots of a cluster, and refuses one with a gap', async () => {
  const cluster = await startRedisCluster()
  try {
    const whole = createCluster({ rootNodes: [...cluster.rootNodes] })
    const report = await connectRedis(whole)
    expect([report.mode, report.slotsServed, report.nodes.length]).toEqual(['cluster', 16_384, 3])
    whole.destroy()
    const [port] = await freePorts(1)
    const some = createCluster({ rootNodes: [{ url: `redis://127.0.0.1:${port}` }, ...cluster.rootNodes] })
    expect((await connectRedis(some)).slotsServed).toBe(16_384)
    some.destroy()
    const primaries = cluster.servers.slice(0, 3)
    for (const { cli } of primaries) {
      await cli('config', 'set', 'cluster-require-full-coverage', 'no')
      await cli('cluster', 'delslots', '0')
    }
    expect((await refusalOf(createCluster({ rootNodes: [...cluster.rootNodes] }))).problem).toBe('incomplete')
  } finally {
    await cluster.stop()
  }
})
