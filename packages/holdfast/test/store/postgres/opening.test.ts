/** What stands in the way of a store at its start, and what a doctor is told. */
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../../../test/services/postgres.ts'
import { inspectPostgres, PostgresOpenError, postgresStore } from '../../../src/store/postgres.ts'
import type { PostgresPool } from '../../../src/store/postgres-pool.ts'
import { nextSchema, openNodes } from './nodes.ts'

let server: PostgresServer

beforeAll(async () => {
  server = await startPostgres()
})

afterAll(() => server.close())

describe('a store that cannot be used', () => {
  const cases = {
    'a wrong password': [{ password: 'a secret that is wrong' }, 'not-permitted', 'password authentication failed'],
    'an unknown database': [{ database: 'nowhere' }, 'no-database', 'does not exist'],
    'a port where nobody listens': [{ port: 1 }, 'unreachable', 'ECONNREFUSED'],
    'a name that leads nowhere': [{ host: 'nowhere.invalid' }, 'unreachable', 'nowhere.invalid'],
    'TLS that the server has not': [{ ssl: true }, 'tls', 'does not support SSL'],
  } as const

  it.each(Object.entries(cases))('says so in one message: %s', async (_, [change, problem, words]) => {
    const pool = new pg.Pool({ ...server.connection, ...change })
    const fault: unknown = await postgresStore(pool)
      .migrate()
      .catch((thrown: unknown) => thrown)
    expect(fault).toBeInstanceOf(PostgresOpenError)
    expect(fault).toMatchObject({ problem })
    expect(String(fault)).toContain(words)
    expect(String(fault)).not.toMatch(/a secret that is wrong|\n/)
    await expect(inspectPostgres(pool, { now: Date.now })).rejects.toMatchObject({ problem })
    await pool.end()
  })

  it('has a schema of a later release, which it leaves alone', async () => {
    const { nodes, close, schema } = await openNodes(server, 1)
    const [{ pool, store }] = nodes
    await pool.query(`UPDATE ${schema}.holdfast_version SET version = 99`)
    await expect(store.migrate()).rejects.toMatchObject({ problem: 'newer-version' })
    await expect(store.migrate()).rejects.toThrow('its schema has version 99')
    expect((await pool.query(`SELECT version FROM ${schema}.holdfast_version`)).rows).toEqual([{ version: 99 }])
    await close()
  })

  it('has a role that may not make the tables, and makes none of them', async () => {
    const pool = new pg.Pool(server.connection)
    const schema = nextSchema()
    await pool.query(`CREATE ROLE poor_${schema} LOGIN PASSWORD 'p'`)
    const poor = new pg.Pool({ ...server.connection, user: `poor_${schema}`, password: 'p' })
    await expect(postgresStore(poor, { schema }).migrate()).rejects.toMatchObject({ problem: 'not-permitted' })
    expect((await pool.query('SELECT FROM pg_namespace WHERE nspname = $1', [schema])).rowCount).toBe(0)
    await poor.end()
    await pool.end()
  })

  it.each([
    ['too old', ['140011', '14.11', 'UTF8', 'f'], 'the server is PostgreSQL 14.11, 15 is needed'],
    ['not in UTF-8', ['150000', '15.0', 'LATIN1', 'f'], 'the database is in LATIN1, UTF8 is needed'],
  ])('is %s', async (_, row, words) => {
    const query = async () => ({ rows: [row] })
    const listening = { on: () => {}, off: () => {} }
    const pool: PostgresPool = { query, connect: async () => ({ query, release: () => {}, ...listening }), ...listening }
    const fault: unknown = await postgresStore(pool)
      .migrate()
      .catch((thrown: unknown) => thrown)
    expect(fault).toMatchObject({ problem: 'unfit' })
    expect(String(fault)).toContain(words)
  })

  it.each([{ schema: 'Up' }, { schema: 'a"b' }, { schema: '' }, { partitions: -1 }, { partitions: 257 }, { timeout: 99 }])(
    'is refused before it asks anything: %o',
    (options) => {
      const pool = new pg.Pool(server.connection)
      expect(() => postgresStore(pool, options)).toThrow(RangeError)
      expect(pool.totalCount).toBe(0)
    },
  )
})

describe('the report of a server', () => {
  it('says what a doctor wants to know', async () => {
    const { nodes, close, schema } = await openNodes(server, 1, { partitions: 3 })
    const [{ pool }] = nodes
    const report = await inspectPostgres(pool, { schema, now: () => Date.now() - 60_000 })
    expect(report).toMatchObject({ schemaVersion: 2, expectedVersion: 2, partitions: 3, standby: false, readOnly: false })
    expect(report).toMatchObject({
      isolation: 'read committed',
      fsync: true,
      fullPageWrites: true,
      durable: true,
      encrypted: false,
    })
    expect(report).toMatchObject({ synchronousCommit: 'on', synchronousStandbyNames: '', attached: 0 })
    expect(report.connections).toMatchObject({ limit: 120, pool: 6 })
    expect(report.connections.used).toBeGreaterThan(0)
    expect(Math.abs(report.clockOffset - 60_000)).toBeLessThan(5000)
    const expecting = await inspectPostgres(pool, { schema: nextSchema(), expectsStandby: true, now: Date.now })
    expect(expecting).toMatchObject({ schemaVersion: 0, partitions: 0, durable: false })
    await close()
  })
})
