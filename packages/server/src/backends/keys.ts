/** Where API keys and the trail of security events live: in the database of the accounts, which is durable whatever the sessions are kept in. */
import type { ApiKeyOptions } from 'holdfast/defence/api-keys'
import type { EventTrailOptions } from 'holdfast/defence/event-trail'
import { postgresStore } from 'holdfast/store/postgres'
import { sqliteStore } from 'holdfast/store/sqlite'
import type { PostgresBackend } from '../config/backend.ts'
import type { Config } from '../config/config.ts'
import type { FaultListener } from './place.ts'
import { asking, createPool, endPool } from './postgres-pool.ts'

export interface OpenedKeys {
  readonly store: ApiKeyOptions['store']
  readonly eventLog: EventTrailOptions['log']
  close(): Promise<void>
}

const connections = 4

export async function openKeys({ accounts }: Config, tell: FaultListener): Promise<OpenedKeys> {
  if (accounts.kind === 'postgres') return openInPostgres(accounts, tell)
  const store = sqliteStore(accounts.path)
  return { store: store.apiKeys, eventLog: store.eventLog, close: async () => store[Symbol.asyncDispose]?.() }
}

async function openInPostgres(backend: PostgresBackend, tell: FaultListener): Promise<OpenedKeys> {
  const { schema, partitions, pooler, expectsStandby } = backend
  await asking(backend, (pool) => postgresStore(pool, { schema, partitions, listen: false }).migrate())
  const pool = createPool(backend, connections)
  pool.on('error', tell)
  const store = postgresStore(pool, { schema, prepare: !pooler, listen: false, expectsStandby })
  const close = async () => {
    await store[Symbol.asyncDispose]?.()
    await endPool(pool)
  }
  return { store: store.apiKeys, eventLog: store.eventLog, close }
}
