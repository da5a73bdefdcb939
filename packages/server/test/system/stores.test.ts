/** Two server processes on one store, on real servers of each kind: what one does the other knows, and what happens without the store. */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../../test/services/postgres.ts'
import { startRedis, startRedisCluster, startRedisSentinel } from '../../../../test/services/redis.ts'
import { assertProblem, type Client } from '../client.ts'
import { goodPassword, setupToken, temporaryFolder } from '../harness.ts'
import { defaults, type Environment, run, serverProcess, until } from '../process.ts'

/** What DESIGN 2.3 promises between nodes, and a little for a busy machine. */
const boundMs = 1000
const slackMs = 500

let database: PostgresServer
let folder = ''
beforeAll(async () => {
  database = await startPostgres()
})
afterAll(() => database.close())
beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(() => rm(folder, { recursive: true, force: true }))

function postgresUrl({ connection: { user, password, port, database: name } }: PostgresServer): string {
  return `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/${name}`
}

interface Started {
  /** Value of `HOLDFAST_STORE`. */
  readonly store: string
  /** Ends the servers, as a crash would. */
  fail(): Promise<void>
  restore(): Promise<void>
  stop(): Promise<void>
}

interface Kind {
  readonly name: string
  start(): Promise<Started>
}

const everyone = async (servers: readonly { kill(): Promise<void> }[]): Promise<void> => {
  await Promise.all(servers.map((server) => server.kill()))
}

const kinds: readonly Kind[] = [
  {
    name: 'PostgreSQL',
    async start() {
      const server = await startPostgres()
      return {
        store: postgresUrl(server),
        fail: () => server.stop('kill'),
        restore: () => server.start(),
        stop: () => server.close(),
      }
    },
  },
  {
    name: 'Redis',
    async start() {
      const server = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'], password: 'secret of Redis' })
      return {
        store: `redis://:${encodeURIComponent('secret of Redis')}@127.0.0.1:${server.port}`,
        fail: () => server.kill(),
        restore: () => server.restart(),
        stop: () => server.stop(),
      }
    },
  },
  {
    name: 'Redis Cluster',
    async start() {
      const cluster = await startRedisCluster(['--appendonly', 'yes', '--appendfsync', 'always'])
      return {
        store: `redis+cluster://${cluster.rootNodes.map(({ url }) => new URL(url).host).join(',')}`,
        fail: () => everyone(cluster.servers),
        restore: async () => void (await Promise.all(cluster.servers.map((server) => server.restart()))),
        stop: () => cluster.stop(),
      }
    },
  },
  {
    name: 'Redis Sentinel',
    async start() {
      const set = await startRedisSentinel()
      return {
        store: `redis+sentinel://${set.sentinels.map(({ host, port }) => `${host}:${port}`).join(',')}/${set.name}`,
        // A replica takes over: the outage ends by itself.
        fail: async () => set.servers[0]?.kill(),
        restore: async () => {},
        stop: () => set.stop(),
      }
    },
  },
]

async function administrator(client: Client): Promise<Client> {
  await client.post('/auth/setup', { token: setupToken, username: 'root', password: goodPassword })
  await client.signIn('root', goodPassword)
  return client
}

let schemas = 0
/** A store of its own for accounts, so that only the sessions' is away when that fails. */
function environmentOf(store: string): Environment {
  schemas += 1
  return { HOLDFAST_STORE: store, HOLDFAST_ACCOUNTS: `${postgresUrl(database)}?schema=accounts${schemas}` }
}

describe.each(kinds)('two servers on one $name', ({ start }) => {
  let started: Started
  beforeAll(async () => {
    started = await start()
  })
  afterAll(() => started.stop())

  it('both know a session and list it, and what one ends is dead on the other within the bound', async () => {
    const environment = environmentOf(started.store)
    await using one = await serverProcess(folder, environment)
    await using two = await serverProcess(folder, environment)
    const admin = await administrator(one.client())
    const ends: readonly (() => Promise<unknown>)[] = [
      () => admin.post('/auth/logout'),
      () => admin.post('/admin/everyone-out'),
      async () => admin.delete(`/admin/sessions/${(await admin.get('/auth/session')).json.session.id}`),
    ]
    for (const end of ends) {
      await admin.signIn('root', goodPassword)
      const copy = two.client(admin.cookies)
      const mine = (await admin.get('/auth/session')).json.session.id
      const listed: { id: string }[] = (await copy.get('/auth/sessions')).json.items
      assert.ok(listed.some(({ id }) => id === mine))
      await end()
      await until(boundMs + slackMs, async () => (await copy.get('/auth/session')).status === 401)
      assertProblem(await copy.get('/auth/session'), 401, 'session-revoked')
    }
    const { code, stdout, stderr } = await run(folder, ['sessions', 'list', '--json'], { ...defaults, ...environment })
    assert.equal(code, 0, stderr)
    assert.deepEqual(
      JSON.parse(stdout).filter(({ reason }: { reason?: string }) => reason === undefined),
      [],
    )
  })

  it('answer 503 with Retry-After while the store is away, sign nobody out, and recover without a restart', async () => {
    const environment = environmentOf(started.store)
    await using one = await serverProcess(folder, environment)
    const admin = await administrator(one.client())
    await started.fail()
    await until(15_000, async () => (await one.client(admin.cookies).get('/auth/session')).status === 503)
    const refused = await one.client().post('/auth/login', { username: 'root', password: goodPassword })
    if (refused.status !== 200) {
      assertProblem(refused, 503, 'store-unavailable')
      assert.ok(Number(refused.headers.get('retry-after')) >= 1)
      assert.deepEqual(refused.setCookies, [])
    }
    assert.equal((await one.client().get('/healthz')).status, 200)
    await started.restore()
    await until(30_000, async () => (await admin.get('/auth/session')).status === 200)
    // A session is on one shard of a cluster; readiness asks another, which may come back a moment later.
    await until(30_000, async () => (await one.client().get('/readyz')).status === 200)
    assert.doesNotMatch(one.output(), /secret of Redis|a password for tests/)
  })
})

describe('a start on a store that cannot be used', () => {
  it('lists the problems of both stores, shows no password, ends with 1 and makes nothing', async () => {
    const wrong = postgresUrl(database).replace('tests', 'hunter2')
    const { code, stderr } = await run(folder, [], {
      ...defaults,
      HOLDFAST_STORE: 'redis://:hunter2@127.0.0.1:1',
      HOLDFAST_ACCOUNTS: wrong,
    })
    assert.equal(code, 1)
    assert.match(stderr, /HOLDFAST_STORE: redis:\/\/127\.0\.0\.1:1: no server answers .*ECONNREFUSED/)
    assert.match(stderr, /HOLDFAST_ACCOUNTS: postgres:\/\/127\.0\.0\.1:\d+\/postgres: password authentication failed/)
    assert.doesNotMatch(stderr, /hunter2|\n\s+at /)
    await assert.rejects(async () => (await import('node:fs/promises')).stat(`${folder}/data`))
  })

  it('refuses a Redis that drops sessions when memory is full, unless it is allowed to', async () => {
    const redis = await startRedis({ args: ['--maxmemory-policy', 'allkeys-lru'] })
    try {
      const environment = { ...defaults, HOLDFAST_ACCOUNTS: `${postgresUrl(database)}?schema=evicting` }
      const { code, stderr } = await run(folder, [], { ...environment, HOLDFAST_STORE: redis.url })
      assert.equal(code, 1)
      assert.match(stderr, /maxmemory-policy of primary is allkeys-lru, which drops sessions: set noeviction/)
      await using allowed = await serverProcess(folder, { ...environment, HOLDFAST_STORE: `${redis.url}?eviction=allow` })
      assert.equal((await allowed.client().get('/readyz')).status, 200)
    } finally {
      await redis.stop()
    }
  })

  it('refuses a schema of a newer version and a role that may not make tables', async () => {
    const url = postgresUrl(database)
    const { code } = await run(folder, ['migrate'], { ...defaults, HOLDFAST_STORE: `${url}?schema=newer` })
    assert.equal(code, 0)
    const { default: pg } = await import('pg')
    const client = new pg.Client(database.connection)
    await client.connect()
    await client.query('UPDATE newer.holdfast_version SET version = 99; UPDATE newer.holdfast_account_schema SET version = 98')
    await client.query("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    await client.end()
    const newer = await run(folder, [], { ...defaults, HOLDFAST_STORE: `${url}?schema=newer` })
    assert.equal(newer.code, 1)
    assert.match(newer.stderr, /HOLDFAST_STORE: .* holds sessions of schema version 99, made by a newer version/)
    assert.match(newer.stderr, /HOLDFAST_ACCOUNTS: .* holds accounts of schema version 98, made by a newer version/)
    const guest = `postgres://guest:guest@127.0.0.1:${database.port}/postgres`
    const refused = await run(folder, [], { ...defaults, HOLDFAST_STORE: guest })
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /may not make tables in the schema public: grant CREATE on it/)
  })
})
