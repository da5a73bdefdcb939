/** What becomes of a migration whose connection breaks in the middle of it. */
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../../../test/services/postgres.ts'
import { startTcpProxy, type TcpProxy } from '../../../../../test/services/tcp-proxy.ts'
import { uncaughtExceptions } from '../../../../../test/support/uncaught.ts'
import { postgresStore } from '../../../src/store/postgres.ts'
import { namesIn } from '../../../src/store/postgres-schema.ts'
import { sample, sampleId } from '../../../src/testing/contract/check.ts'
import { nextSchema } from './nodes.ts'

let server: PostgresServer

beforeAll(async () => {
  server = await startPostgres()
})

afterAll(() => server.close())

/** A connection that holds the lock which migrations of this schema wait for. */
async function holdLock(schema: string): Promise<pg.Client> {
  const holder = new pg.Client(server.connection)
  // It breaks too where the server is killed.
  holder.on('error', () => {})
  await holder.connect()
  await holder.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [namesIn(schema).channel])
  return holder
}

/** Process of the server that waits for a lock, once there is one. */
async function waiting(holder: pg.Client): Promise<number> {
  for (;;) {
    const { rows } = await holder.query<{ pid: number }>('SELECT pid FROM pg_locks WHERE NOT granted')
    if (rows[0] !== undefined) return rows[0].pid
  }
}

type Break = (proxy: TcpProxy, holder: pg.Client, pid: number) => unknown

const breaks: { readonly [how: string]: Break } = {
  'a proxy cuts': (proxy) => proxy.cut(),
  'the server ends': (_, holder, pid) => holder.query('SELECT pg_terminate_backend($1)', [pid]),
  'ends with a server that is killed': async () => {
    await server.stop('kill')
    await server.start()
  },
}

describe('a migration on a connection', () => {
  it.each(Object.entries(breaks))('that %s says so, does not end the process, and can be repeated', async (_, end) => {
    const uncaught = uncaughtExceptions()
    const proxy = await startTcpProxy(server)
    const schema = nextSchema()
    const holder = await holdLock(schema)
    const pool = new pg.Pool({ ...server.connection, port: proxy.port, max: 1 })
    const store = postgresStore(pool, { schema, listen: false })
    const refused = expect(store.migrate()).rejects.toMatchObject({
      name: 'PostgresOpenError',
      problem: 'unreachable',
      why: expect.stringMatching(/terminat/),
    })
    await end(proxy, holder, await waiting(holder))
    await refused
    await holder.end()
    await expect(store.migrate()).resolves.toBeUndefined()
    await store.insert(sample(1))
    expect((await store.get(sampleId(1)))?.id).toBe(sampleId(1))
    await pool.end()
    await proxy.stop()
    expect(uncaught).toEqual([])
  })

  it('leaves no listener on it', async () => {
    const pool = new pg.Pool({ ...server.connection, max: 1 })
    const before = await pool.connect()
    const listening = before.listenerCount('error')
    before.release()
    const store = postgresStore(pool, { schema: nextSchema(), listen: false })
    await store.migrate()
    await store.migrate()
    const after = await pool.connect()
    expect(after).toBe(before)
    expect(after.listenerCount('error')).toBe(listening)
    after.release()
    await pool.end()
  })
})
