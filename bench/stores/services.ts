/** The servers that sessions are kept in, started for one run on free ports, and the clients to them. */

import type { HoldfastOptions } from 'holdfast'
import { postgresStore } from 'holdfast/store/postgres'
import { redisStore } from 'holdfast/store/redis'
import pg from 'pg'
import { createClient } from 'redis'
import { startPostgres } from '../../test/services/postgres.ts'
import { startRedis } from '../../test/services/redis.ts'

export const backends = ['redis', 'postgres'] as const
export type Backend = (typeof backends)[number]
export const backendNames: Readonly<Record<Backend, string>> = { redis: 'Redis', postgres: 'PostgreSQL' }

/** Where a server is: all that another process needs to use it. */
export type Place = { readonly backend: 'redis'; readonly url: string } | { readonly backend: 'postgres'; readonly url: string }

export interface Service {
  readonly place: Place
  stop(): Promise<void>
}

export async function startService(backend: Backend): Promise<Service> {
  if (backend === 'redis') {
    const server = await startRedis()
    return { place: { backend, url: server.url }, stop: () => server.stop() }
  }
  const server = await startPostgres({ shared_buffers: '512MB' })
  const { host, port, user, password, database } = server.connection
  const url = `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`
  return { place: { backend, url }, stop: () => server.close() }
}

/** The driver itself, as its fastest: many lookups in flight, sent together. */
export interface Driver {
  /** Looks up `ids.length` sessions by key and resolves when all answers are there. */
  lookUp(ids: readonly string[]): Promise<void>
  /** Bytes that the server says its data takes. */
  usedBytes(): Promise<number>
}

export interface Opened {
  readonly store: HoldfastOptions['store']
  readonly driver: Driver
}

export async function openService({ backend, url }: Place): Promise<Opened> {
  return backend === 'redis' ? openRedis(url) : openPostgres(url)
}

async function openRedis(url: string): Promise<Opened> {
  const client = await createClient({ url, disableOfflineQueue: true }).connect()
  // A server that is stopped at the end of a run must not end the process with an error that nobody listens to.
  client.on('error', () => undefined)
  const untimed = client.withCommandOptions({ timeout: 0 })
  // Raw strings of the size of a session, so that the driver's lookups move as many bytes as ours.
  const keys = new Map<string, string>()
  return {
    store: redisStore(client),
    driver: {
      async lookUp(ids) {
        const missing = ids.filter((id) => !keys.has(id))
        for (const id of missing) {
          keys.set(id, `raw:${id}`)
          await client.sendCommand(['SET', `raw:${id}`, 'x'.repeat(recordSize)])
        }
        const answers = await Promise.all(ids.map((id) => untimed.get(keys.get(id) ?? '')))
        if (answers.some((answer) => answer === null)) throw new Error('a key is missing')
      },
      async usedBytes() {
        const info = String(await client.sendCommand(['INFO', 'memory']))
        return Number(/used_memory:(\d+)/.exec(info)?.[1])
      },
    },
  }
}

/** About what a session takes in Redis. */
const recordSize = 300

async function openPostgres(url: string): Promise<Opened> {
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  const store = postgresStore(pool)
  await store.migrate()
  const text =
    'SELECT id, subject, created_at, seen_at, idle_expires_at, absolute_expires_at, last_ip, revoked_at, reason, revision, epoch, data FROM holdfast_sessions WHERE id = any($1::text[])'
  return {
    store,
    driver: {
      // As the store batches: four statements of a quarter of the sessions each, on four connections.
      async lookUp(ids) {
        const share = Math.ceil(ids.length / lanes)
        const parts = Array.from({ length: lanes }, (_, at) => ids.slice(at * share, (at + 1) * share))
        const answers = await Promise.all(
          parts.map((part) => pool.query({ name: 'raw', text, values: [part], rowMode: 'array' })),
        )
        if (answers.reduce((sum, { rows }) => sum + rows.length, 0) !== ids.length) throw new Error('a row is missing')
      },
      async usedBytes() {
        const { rows } = await pool.query("SELECT pg_total_relation_size('holdfast_sessions') AS bytes")
        return Number((rows as { bytes: string }[])[0]?.bytes)
      },
    },
  }
}

const lanes = 4
