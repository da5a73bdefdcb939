/** Sessions and accounts in PostgreSQL, which may be one database. */
import { inspectPostgres, PostgresOpenError, type PostgresReport, postgresStore } from 'holdfast/store/postgres'
import type pg from 'pg'
import { postgresAccounts } from '../accounts/postgres.ts'
import {
  countAdministrators,
  migratePostgresAccounts,
  postgresAccountsVersion,
  readPostgresVersion,
} from '../accounts/postgres-schema.ts'
import type { AccountStore } from '../accounts/store.ts'
import { systemNow } from '../clock.ts'
import { type PostgresBackend, placeOf } from '../config/backend.ts'
import { checkAdministrators, checkVersion, type Finding } from '../doctor/finding.ts'
import type { OpenedStore, Place } from './place.ts'
import { postgresFindings } from './postgres-findings.ts'
import { asking, createPool, endPool, listenerOf } from './postgres-pool.ts'
import { schemaProblems, serverProblems } from './postgres-problems.ts'
import { tlsProblems } from './tls.ts'

/** Accounts are asked for at sign-in and by routes of the server, never by a check of a session. */
const accountConnections = 4

export function postgresSessions(backend: PostgresBackend): Place<OpenedStore> {
  const { schema, partitions, connections, pooler, expectsStandby } = backend
  const inspect = (pool: pg.Pool): Promise<PostgresReport> => inspectPostgres(pool, { schema, expectsStandby, now: systemNow })
  return {
    problems: () =>
      problemsOf(backend, async (pool) => {
        const { schemaVersion, expectedVersion } = await inspect(pool)
        return schemaProblems(pool, backend, { what: 'sessions', found: schemaVersion, known: expectedVersion })
      }),
    async open(tell) {
      await asking(backend, (pool) => postgresStore(pool, { schema, partitions, listen: false }).migrate())
      const pool = createPool(backend, connections)
      pool.on('error', tell)
      const store = postgresStore(pool, { schema, prepare: !pooler, listen: listenerOf(backend), expectsStandby })
      const close = async () => {
        await store[Symbol.asyncDispose]?.()
        await endPool(pool)
      }
      return { store, close }
    },
    schemaVersion: () => asking(backend, async (pool) => (await inspect(pool)).schemaVersion),
    examine: () => asking(backend, async (pool) => postgresFindings(backend, await inspect(pool))),
  }
}

export function postgresAccountsPlace(backend: PostgresBackend): Place<AccountStore> {
  const { schema } = backend
  return {
    problems: () =>
      problemsOf(backend, async (pool) => {
        const found = await readPostgresVersion(pool, schema)
        return schemaProblems(pool, backend, { what: 'accounts', found, known: postgresAccountsVersion })
      }),
    async open(tell) {
      await asking(backend, (pool) => migratePostgresAccounts(pool, schema))
      const pool = createPool(backend, accountConnections)
      pool.on('error', tell)
      return postgresAccounts(pool, schema, () => endPool(pool))
    },
    schemaVersion: () => asking(backend, (pool) => readPostgresVersion(pool, schema)),
    examine: () => asking(backend, (pool) => examineAccounts(pool, schema)),
  }
}

/** What the server itself is unfit for comes first: its schema is then not asked for. */
async function problemsOf(
  backend: PostgresBackend,
  schemaOf: (pool: pg.Pool) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const unreadable = tlsProblems(backend.tls)
  if (unreadable.length > 0) return unreadable
  try {
    return await asking(backend, async (pool) => {
      const problems = await serverProblems(pool, backend)
      return problems.length > 0 ? problems : schemaOf(pool)
    })
  } catch (fault) {
    return [`${placeOf(backend)}: ${PostgresOpenError.from(fault).why}`]
  }
}

async function examineAccounts(pool: pg.Pool, schema: string): Promise<readonly Finding[]> {
  const version = await readPostgresVersion(pool, schema)
  const findings = [checkVersion('accounts: schema', version, postgresAccountsVersion)]
  return version === 0 ? findings : [...findings, checkAdministrators(await countAdministrators(pool, schema))]
}
