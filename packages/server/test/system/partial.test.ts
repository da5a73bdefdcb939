/** Real servers that read and do not write, or take no connections (faults F-03 and F-10), and the server over them. */
import assert from 'node:assert/strict'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../../test/services/postgres.ts'
import { type RedisServer, startRedis } from '../../../../test/services/redis.ts'
import { store as parseStore } from '../../src/config/backend.ts'
import { assertProblem } from '../client.ts'
import { goodPassword, type TestServer, testServer } from '../harness.ts'
import { until } from '../process.ts'

/** More than open the circuit. */
const many = 12
const patienceMs = 20_000

interface Fault {
  readonly name: string
  begin(): Promise<unknown>
  end(): Promise<unknown>
}

/** With no memory, so that each check asks the store. */
async function serverOn(url: string): Promise<TestServer> {
  const parsed = parseStore(url)
  if (!parsed.ok) throw new Error(parsed.problem)
  return testServer({ config: { store: parsed.value }, overrides: { engine: { maxStaleness: 0 } } })
}

/** What goes on while a store takes no writes, what does not, and that it all comes back without a restart. */
async function expectReadsOnly(server: TestServer, { begin, end }: Fault): Promise<void> {
  let isOn = false
  try {
    await expectRecovery(server, {
      async begin() {
        isOn = true
        await begin()
      },
      async end() {
        isOn = false
        await end()
      },
    })
  } finally {
    if (isOn) await end()
  }
}

async function expectRecovery(server: TestServer, { begin, end }: Pick<Fault, 'begin' | 'end'>): Promise<void> {
  const { holdfast } = server.services
  const { client } = await server.user('alice')
  const leaving = server.client()
  await leaving.signIn('alice', goodPassword)
  const thief = leaving.copy()
  const session: string = (await client.get('/auth/session')).json.session.id
  const live = async () => (await holdfast.list()).items.map(({ id }) => id).sort()
  const before = await live()
  await begin()
  await until(
    patienceMs,
    async () => (await server.client().post('/auth/login', { username: 'alice', password: goodPassword })).status === 503,
  )
  const refused = await server.client().post('/auth/login', { username: 'alice', password: goodPassword })
  assertProblem(refused, 503, 'store-unavailable')
  assert.ok(Number(refused.headers.get('retry-after')) >= 1)
  assert.deepEqual(refused.setCookies, [])
  // The cookies go, the session is dead on this node at once, and the answer does not say that it is recorded.
  assertProblem(await leaving.post('/auth/logout'), 503, 'store-unavailable')
  assert.equal(leaving.sessionToken, undefined)
  assertProblem(await thief.get('/auth/session'), 401, 'session-revoked')
  for (let count = 0; count < many; count += 1) {
    await assert.rejects(
      holdfast.update(session, () => ({ changed: true })),
      { code: 'store-unavailable' },
    )
    const checked = await client.get('/auth/session')
    assert.deepEqual([checked.status, checked.setCookies], [200, []])
  }
  const { reads, writes } = holdfast.stats().store
  assert.deepEqual([reads.opened, writes.opened > 0], [0, true])
  assert.deepEqual(await live(), before)
  assert.equal((await server.client().get('/healthz')).status, 200)
  await end()
  await until(
    patienceMs,
    async () => (await server.client().post('/auth/login', { username: 'alice', password: goodPassword })).status === 200,
  )
  await until(patienceMs, async () => holdfast.stats().pendingRevocations === 0)
  assert.equal((await client.get('/auth/session')).status, 200)
  assertProblem(await thief.get('/auth/session'), 401, 'session-revoked')
  assert.equal(holdfast.stats().store.writes.circuit, 'closed')
  assert.deepEqual((await holdfast.get(session))?.attributes.changed, undefined)
}

describe('a Redis server that takes no writes', () => {
  let redis: RedisServer
  beforeAll(async () => {
    redis = await startRedis({ args: ['--dbfilename', 'snapshot', '--maxmemory-policy', 'noeviction'] })
  })
  afterAll(() => redis.stop())

  const set = (name: string, value: string) => redis.cli('config', 'set', name, value)
  const folderInTheWay = async () => join((await redis.cli('config', 'get', 'dir')).split('\n')[1] ?? '', 'snapshot')
  /** Asks for a snapshot and waits for its end. */
  const snapshot = async (outcome: string) => {
    await redis.cli('bgsave')
    await until(patienceMs, async () => {
      const info = await redis.cli('info', 'persistence')
      return info.includes('rdb_bgsave_in_progress:0') && info.includes(`rdb_last_bgsave_status:${outcome}`)
    })
  }
  const faults: readonly Fault[] = [
    {
      name: 'it has become a replica (READONLY)',
      begin: () => redis.cli('replicaof', '127.0.0.1', '1'),
      end: () => redis.cli('replicaof', 'no', 'one'),
    },
    {
      name: 'its snapshot cannot be written (MISCONF)',
      async begin() {
        await mkdir(await folderInTheWay())
        await set('save', '3600 1000000')
        await snapshot('err')
      },
      async end() {
        await rm(await folderInTheWay(), { recursive: true })
        await snapshot('ok')
      },
    },
  ]

  it.each(faults)('because $name is still read: checks go on, changes are 503, and all comes back', async (fault) => {
    await using server = await serverOn(`${redis.url}?prefix=${fault.name.length}:`)
    await expectReadsOnly(server, fault)
  })
})

describe('a Redis server whose memory is full', () => {
  let redis: RedisServer
  beforeAll(async () => {
    redis = await startRedis({ args: ['--maxmemory', '48mb', '--maxmemory-policy', 'noeviction'] })
  })
  afterAll(() => redis.stop())

  it('ends sessions all the same, on every node; all else is 503, and comes back with room', async () => {
    await using server = await serverOn(redis.url)
    await using other = await serverOn(redis.url)
    const { holdfast } = server.services
    const told: string[] = []
    holdfast.on(({ kind }) => told.push(kind))
    const { client } = await server.user('alice')
    const [leaving, forced] = [server.client(), server.client()]
    for (const each of [leaving, forced]) await each.signIn('alice', goodPassword)
    const stolen = [leaving, forced].map(({ sessionToken }) => sessionToken)
    const elsewhere = () => Promise.all(stolen.map((token) => other.services.holdfast.verify(token)))
    const session: string = (await forced.get('/auth/session')).json.session.id
    told.length = 0
    await redis.cli('setrange', 'filler', String(64 * 2 ** 20), 'x')

    for (const password of [goodPassword, 'the wrong one, and long']) {
      const refused = await server.client().post('/auth/login', { username: 'alice', password })
      assertProblem(refused, 503, 'store-unavailable')
      assert.deepEqual(refused.setCookies, [])
    }
    const change = () => holdfast.update(session, () => ({ changed: true }))
    for (let count = 0; count < many; count += 1) await assert.rejects(change(), { code: 'store-unavailable' })
    assert.equal(holdfast.stats().store.writes.circuit, 'open')
    assert.equal((await leaving.post('/auth/logout')).status, 204)
    assert.deepEqual((await holdfast.revoke({ session })).revoked, [session])
    // What is forced says nothing of ordinary writes.
    assert.notEqual(holdfast.stats().store.writes.circuit, 'closed')
    assert.deepEqual(await elsewhere(), [
      { status: 'dead', reason: 'logout' },
      { status: 'dead', reason: 'admin' },
    ])
    assert.equal((await client.get('/auth/session')).status, 200)
    assert.deepEqual([told.filter((kind) => kind === 'session_revoked').length, told.includes('session_created')], [2, false])
    assert.equal(holdfast.stats().pendingRevocations, 0)
    assert.deepEqual(await holdfast.revokeAll(), { durable: false })
    assertProblem(await client.get('/auth/session'), 401, 'session-revoked')

    await redis.cli('del', 'filler')
    await until(patienceMs, async () => {
      const answer = await server.client().post('/auth/login', { username: 'alice', password: goodPassword })
      return answer.status === 200
    })
    assert.equal(holdfast.stats().store.writes.circuit, 'closed')
  })
})

describe('a PostgreSQL server', () => {
  let database: PostgresServer
  let admin: pg.Client
  beforeAll(async () => {
    database = await startPostgres()
    admin = new pg.Client(database.connection)
    await admin.connect()
    await admin.query("CREATE ROLE app LOGIN PASSWORD 'app'; CREATE SCHEMA app AUTHORIZATION app")
    await admin.query('CREATE SCHEMA readonly AUTHORIZATION app')
  })
  afterAll(async () => {
    await admin.end()
    await database.close()
  })

  const url = (schema: string) => `postgres://app:app@127.0.0.1:${database.port}/postgres?schema=${schema}`
  const setReadOnly = async (to: 'on' | 'off') => {
    await admin.query(`ALTER SYSTEM SET default_transaction_read_only = ${to}`)
    await admin.query('SELECT pg_reload_conf()')
  }

  it('that has become read-only is still read: checks go on, changes are 503, and all comes back', async () => {
    await using server = await serverOn(url('readonly'))
    await expectReadsOnly(server, { name: 'read-only', begin: () => setReadOnly('on'), end: () => setReadOnly('off') })
  })

  it('that has no connection left is "cannot tell" for every request, and works again when it has', async () => {
    await using server = await serverOn(url('app'))
    const { client } = await server.user('alice')
    await admin.query('ALTER ROLE app CONNECTION LIMIT 0')
    await admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'")
    await until(patienceMs, async () => (await client.get('/auth/session')).status === 503)
    const refused = await client.get('/auth/session')
    assertProblem(refused, 503, 'store-unavailable')
    assert.deepEqual(refused.setCookies, [])
    // Of different sessions: faults about one alone leave the circuit closed.
    for (let count = 0; count < many; count += 1) {
      await assert.rejects(server.services.holdfast.get(String(count).padStart(24, 'A')), { code: 'store-unavailable' })
    }
    assertProblem(
      await client.copy().post('/auth/login', { username: 'alice', password: goodPassword }),
      503,
      'store-unavailable',
    )
    assert.ok(server.services.holdfast.stats().store.reads.opened > 0)
    await admin.query('ALTER ROLE app CONNECTION LIMIT -1')
    await until(patienceMs, async () => (await client.get('/auth/session')).status === 200)
    await client.signIn('alice', goodPassword)
  })
})
