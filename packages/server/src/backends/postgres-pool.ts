/** Pools of connections to PostgreSQL, set up for stores. */
import pg from 'pg'
import { within } from '../clock.ts'
import type { PostgresBackend } from '../config/backend.ts'
import { patienceMs } from './place.ts'
import { tlsOptions } from './tls.ts'

/** The server itself ends a statement after this many ms: this node has given it up before. */
const statementTimeoutMs = 5000
/** For a connection to stand, in ms: while requests wait for it, and at a start. */
const connectTimeoutMs = 2000

function optionsOf(backend: PostgresBackend, connectionTimeoutMillis: number): pg.PoolConfig {
  const { host, port, database, username, password, tls } = backend
  return {
    host,
    port,
    ...(database === undefined ? {} : { database }),
    ...(username === undefined ? {} : { user: username }),
    ...(password === undefined ? {} : { password }),
    // Said in any case: the driver would look into the environment for it.
    ssl: tls === undefined ? false : tlsOptions(tls),
    connectionTimeoutMillis,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    application_name: 'holdfast-server',
  }
}

/** For requests. Throws what reading the certificates throws. */
export function createPool(backend: PostgresBackend, max: number): pg.Pool {
  // A pooler refuses a setting of the connection that it does not know.
  const limits = backend.pooler ? {} : { statement_timeout: statementTimeoutMs }
  return new pg.Pool({ ...optionsOf(backend, connectTimeoutMs), ...limits, max })
}

/** Makes the connection of the change feed; false when there is none to be had, as a pooler would lose what is told. */
export function listenerOf(backend: PostgresBackend): (() => pg.Client) | false {
  const { pooler, listen } = backend
  if (pooler && listen === undefined) return false
  const options = optionsOf({ ...backend, ...listen }, connectTimeoutMs)
  return () => new pg.Client(options)
}

/** Ends a pool; connections that do not say goodbye are left behind. */
export async function endPool(pool: pg.Pool): Promise<void> {
  await within(pool.end(), connectTimeoutMs)
}

/** Runs something on a connection of its own, with more patience than a request has. */
export async function asking<T>(backend: PostgresBackend, ask: (pool: pg.Pool) => Promise<T>): Promise<T> {
  const pool = new pg.Pool({ ...optionsOf(backend, patienceMs), max: 1 })
  pool.on('error', () => {})
  try {
    return await ask(pool)
  } finally {
    await endPool(pool)
  }
}
