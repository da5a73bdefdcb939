import assert from 'node:assert/strict'
import { HoldfastError } from 'holdfast'
import pg from 'pg'
import { afterAll, beforeAll, describe, it, onTestFinished } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../../test/services/postgres.ts'
import { startTcpProxy, type TcpProxy } from '../../../../test/services/tcp-proxy.ts'
import { uncaughtExceptions } from '../../../../test/support/uncaught.ts'
import { postgresAccounts } from '../../src/accounts/postgres.ts'
import { migratePostgresAccounts } from '../../src/accounts/postgres-schema.ts'
import type { AccountStore } from '../../src/accounts/store.ts'
import { account, accountsContract } from './contract.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.close())

let schemas = 0
function nextSchema(): string {
  schemas += 1
  return `a${schemas}`
}

function poolOf(connection: PostgresServer['connection'] = server.connection): pg.Pool {
  const pool = new pg.Pool({ ...connection, max: 4 })
  pool.on('error', () => {})
  onTestFinished(() => pool.end())
  return pool
}

/** A pool of one connection, by way of a proxy. */
async function poolBehind(): Promise<{ pool: pg.Pool; proxy: TcpProxy }> {
  const proxy = await startTcpProxy(server)
  onTestFinished(() => proxy.stop())
  const pool = new pg.Pool({ ...server.connection, port: proxy.port, max: 1 })
  pool.on('error', () => {})
  onTestFinished(() => pool.end())
  return { pool, proxy }
}

async function listenersOn(pool: pg.Pool): Promise<number> {
  const client = await pool.connect()
  const count = client.listenerCount('error')
  client.release()
  return count
}

async function open(schema = nextSchema()): Promise<readonly [AccountStore, AccountStore]> {
  const pools = [poolOf(), poolOf()] as const
  await Promise.all(pools.map((pool) => migratePostgresAccounts(pool, schema)))
  const [one, two] = pools.map((pool) => postgresAccounts(pool, schema, async () => {}))
  assert.ok(one && two)
  return [one, two]
}

accountsContract('PostgreSQL', open)

const isUnavailable = (fault: unknown) => fault instanceof HoldfastError && fault.code === 'store-unavailable'

describe('the tables of accounts in PostgreSQL', () => {
  it('are made once by 16 nodes that start at once, and are left alone afterwards', async () => {
    const schema = nextSchema()
    const pool = new pg.Pool({ ...server.connection, max: 16 })
    onTestFinished(() => pool.end())
    await Promise.all(Array.from({ length: 16 }, () => migratePostgresAccounts(pool, schema)))
    await migratePostgresAccounts(pool, schema)
    const [store] = await open(schema)
    assert.equal(await store.create(account()), 'created')
  })

  it('of a newer version are refused and left alone', async () => {
    const schema = nextSchema()
    await open(schema)
    const pool = poolOf()
    await pool.query(`UPDATE "${schema}".holdfast_account_schema SET version = 99`)
    await assert.rejects(
      migratePostgresAccounts(pool, schema),
      /schema version 99; this version of holdfast-server knows up to 2/,
    )
    assert.equal((await pool.query(`SELECT version FROM "${schema}".holdfast_account_schema`)).rows[0].version, 99)
  })

  it('are made by another attempt where the connection broke in the middle of one, which does not end the process', async () => {
    const uncaught = uncaughtExceptions()
    const schema = nextSchema()
    const { pool, proxy } = await poolBehind()
    const listening = await listenersOn(pool)
    const other = await poolOf().connect()
    await other.query(`BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('holdfast_accounts_${schema}', 0))`)
    const refused = assert.rejects(migratePostgresAccounts(pool, schema), /Connection terminated/)
    while ((await other.query('SELECT FROM pg_locks WHERE NOT granted')).rowCount === 0);
    proxy.cut()
    await refused
    await other.query('ROLLBACK')
    other.release()
    await migratePostgresAccounts(pool, schema)
    const store = postgresAccounts(pool, schema, async () => {})
    assert.equal(await store.create(account()), 'created')
    assert.equal(await listenersOn(pool), listening)
    assert.deepEqual(uncaught, [])
  })
})

describe('accounts in PostgreSQL', () => {
  it('are "cannot tell" while another transaction holds the lock, and whole afterwards', async () => {
    const schema = nextSchema()
    const [store] = await open(schema)
    const one = account()
    await store.create(one)
    const other = await poolOf().connect()
    await other.query(`BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('holdfast_accounts_${schema}', 0))`)
    await assert.rejects(async () => store.change(one.id, { disabled: true }), isUnavailable)
    assert.deepEqual(await store.get(one.id), one)
    await other.query('ROLLBACK')
    other.release()
    assert.equal((await store.change(one.id, { disabled: true })).outcome, 'changed')
  })

  it('are "cannot tell" where the connection breaks in the middle of a change, which does not end the process', async () => {
    const uncaught = uncaughtExceptions()
    const schema = nextSchema()
    const { pool, proxy } = await poolBehind()
    await migratePostgresAccounts(pool, schema)
    const store = postgresAccounts(pool, schema, async () => {})
    const listening = await listenersOn(pool)
    const one = account()
    await store.create(one)
    assert.equal(await listenersOn(pool), listening)
    proxy.hold()
    const refused = assert.rejects(async () => store.change(one.id, { disabled: true }), isUnavailable)
    // The first statement is sent as soon as the pool has handed out its connection.
    while (pool.idleCount > 0) await new Promise((resolve) => setImmediate(resolve))
    proxy.cut()
    await refused
    proxy.release()
    assert.deepEqual(await store.get(one.id), one)
    assert.equal((await store.change(one.id, { disabled: true })).outcome, 'changed')
    assert.deepEqual(uncaught, [])
  })

  it('with a damaged row are a fault, never default values', async () => {
    const schema = nextSchema()
    const [store] = await open(schema)
    const one = account()
    await store.create(one)
    const pool = poolOf()
    await pool.query(`ALTER TABLE "${schema}".holdfast_accounts DROP CONSTRAINT holdfast_accounts_role_check`)
    await pool.query(`UPDATE "${schema}".holdfast_accounts SET role = 'emperor'`)
    await assert.rejects(async () => store.get(one.id), isUnavailable)
  })

  it('are not read from a standby, where one may be enabled that was disabled since', async () => {
    const schema = nextSchema()
    const [store] = await open(schema)
    const one = account()
    await store.create(one)
    const standby = await server.standby()
    const behind = postgresAccounts(poolOf(standby.connection), schema, async () => {})
    for (const ask of [
      () => behind.get(one.id),
      () => behind.find('nobody'),
      () => behind.list({ limit: 1 }),
      () => behind.hasAdministrator(),
    ]) {
      await assert.rejects(async () => ask(), isUnavailable)
    }
  })
})
