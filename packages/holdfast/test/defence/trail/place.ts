/** Event logs on real backends, opened alike by the tests and by the processes that they start. */
import pg from 'pg'
import type { EventLog } from '../../../src/store/event-log.ts'
import { postgresStore } from '../../../src/store/postgres.ts'
import { redisStore } from '../../../src/store/redis.ts'
import { sqliteStore } from '../../../src/store/sqlite.ts'
import { connectSingle } from '../../store/redis/clients.ts'

export type Place =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly connection: pg.PoolConfig; readonly schema: string }
  | { readonly kind: 'redis'; readonly url: string; readonly prefix: string }

export interface OpenedLog {
  readonly log: EventLog
  close(): Promise<void>
}

export async function openLog(place: Place): Promise<OpenedLog> {
  if (place.kind === 'sqlite') {
    const store = sqliteStore(place.path)
    return { log: store.eventLog, close: async () => store[Symbol.asyncDispose]?.() }
  }
  if (place.kind === 'redis') {
    const { client, close } = await connectSingle(place.url)
    const store = redisStore(client, { prefix: place.prefix })
    return {
      log: store.eventLog,
      async close() {
        await store[Symbol.asyncDispose]()
        close()
      },
    }
  }
  const pool = new pg.Pool({ ...place.connection, max: 2 })
  const store = postgresStore(pool, { schema: place.schema, listen: false })
  await store.migrate()
  return {
    log: store.eventLog,
    async close() {
      await store[Symbol.asyncDispose]?.()
      await pool.end()
    },
  }
}

export const trailSecret = 'k3Jq9vTz1mXw8RbY5nLd2HsG7pCf4Ua0'

const nothing = { session: null, subject: null, actor: null, ip: null, reason: null, outcome: null }

export function namedEvent(object: string) {
  return { ...nothing, schema: 1, at: Date.now(), kind: 'session_created', object } as const
}
