/** Stores on one PostgreSQL server, as several nodes have them: each with a pool of its own. */
import pg from 'pg'
import type { PostgresServer } from '../../../../../test/services/postgres.ts'
import { type PostgresStore, type PostgresStoreOptions, postgresStore } from '../../../src/store/postgres.ts'

export interface Node {
  readonly pool: pg.Pool
  readonly store: PostgresStore
}

export interface Nodes {
  readonly schema: string
  readonly nodes: readonly [Node, ...Node[]]
  close(): Promise<void>
}

let opened = 0

export function nextSchema(): string {
  opened += 1
  return `s${opened}`
}

/** Nodes on a new, empty schema. */
export async function openNodes(server: PostgresServer, count: number, options: PostgresStoreOptions = {}): Promise<Nodes> {
  const schema = nextSchema()
  const open = (): Node => {
    const pool = new pg.Pool({ ...server.connection, max: 6 })
    return { pool, store: postgresStore(pool, { schema, ...options }) }
  }
  const first = open()
  const nodes = [first, ...Array.from({ length: count - 1 }, open)] as const
  await first.store.migrate()
  return {
    schema,
    nodes,
    async close() {
      for (const { store } of nodes) await store[Symbol.asyncDispose]?.()
      for (const { pool } of nodes) await pool.end()
    },
  }
}
