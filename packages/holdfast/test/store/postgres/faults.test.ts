/** What a failing server does to a store, and what it must not do. */
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../../../test/services/postgres.ts'
import { startTcpProxy } from '../../../../../test/services/tcp-proxy.ts'
import { inspectPostgres, type PostgresStore, postgresStore } from '../../../src/store/postgres.ts'
import { confirmUntil, minute, sample, sampleId, start } from '../../../src/testing/contract/check.ts'
import { openNodes } from './nodes.ts'

let server: PostgresServer

beforeAll(async () => {
  server = await startPostgres()
})

afterAll(() => server.close())

const logout = { at: start + minute, reason: 'logout' } as const

/** Asks until an answer comes; a fault is none. */
async function answerOf<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch {
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

async function isWhole({ changes }: PostgresStore): Promise<boolean> {
  return changes !== undefined && confirmUntil(changes, () => changes.confirm(Date.now(), 1000))
}

describe('a server that restarts under load', () => {
  it.each(['fast', 'kill'] as const)('is told from a session that is gone, and loses no revocation (%s)', async (how) => {
    const { nodes, close } = await openNodes(server, 2)
    const [first, second = first] = nodes
    await first.store.insert(sample(1))
    const revoked: number[] = []
    const live: unknown[] = []
    let faults = 0
    let stopped = false
    const load = [first, second].map(async ({ store }, node) => {
      for (let number = 100 * (node + 1); !stopped; number += 2) {
        try {
          await store.insert(sample(number, { subject: `${number}` }))
          await store.revoke({ id: sampleId(number, `${number}`) }, logout)
          revoked.push(number)
          live.push((await store.get(sampleId(1)))?.id)
        } catch {
          faults += 1
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
    })
    expect(await isWhole(second.store)).toBe(true)
    while (revoked.length < 20) await new Promise((resolve) => setImmediate(resolve))
    await server.stop(how)
    expect(second.store.changes?.confirm(Date.now(), 60_000)).toBe(false)
    await expect(first.store.get(sampleId(1))).rejects.toThrow()
    await server.start()
    const before = revoked.length
    while (revoked.length < before + 20) await new Promise((resolve) => setImmediate(resolve))
    stopped = true
    await Promise.all(load)
    expect(faults).toBeGreaterThan(0)
    // Not once was it "not found": that would sign its holder out.
    expect(new Set(live)).toEqual(new Set([sampleId(1)]))
    for (const number of revoked) expect((await first.store.get(sampleId(number, `${number}`)))?.reason).toBe('logout')
    expect(await isWhole(second.store)).toBe(true)
    await close()
  })
})

describe('a database that takes no writes', () => {
  it('is still read, and refuses everything that would change it', async () => {
    const { nodes, close, schema } = await openNodes(server, 1)
    await nodes[0].store.insert(sample(1))
    await nodes[0].store.tickets.put({ id: 't', expiresAt: start + minute, data: null })
    const pool = new pg.Pool({ ...server.connection, options: '-c default_transaction_read_only=on' })
    const store = postgresStore(pool, { schema, listen: false })
    expect(await store.get(sampleId(1))).toEqual(sample(1))
    expect((await store.list({ limit: 1 })).items).toHaveLength(1)
    expect(await store.counters.read('k', start)).toBeUndefined()
    const writes = {
      insert: () => store.insert(sample(2)),
      capped: () => store.insert(sample(2), { max: 1, now: start, whenFull: 'evict-oldest' }),
      replace: () => store.replace(sample(1), 0),
      touch: () => store.touch([{ id: sampleId(1), seenAt: start + 9, idleExpiresAt: start + 9, ip: null }]),
      revoke: () => store.revoke({ id: sampleId(1) }, logout),
      everyone: () => store.revoke({ everyone: true }, logout),
      sweep: () => store.sweep({ endedBefore: start, anonymousEndedBefore: start, limit: 1 }),
      count: () => store.counters.add('k', 1, { now: start, windowMs: 1 }),
      take: () => store.tickets.take('t', start),
      append: () => store.eventLog.append([{ at: start, kind: 'k', data: {}, hash: 'h', previous: '' }], 0),
    }
    for (const [name, write] of Object.entries(writes)) await expect(write(), name).rejects.toMatchObject({ code: '25006' })
    expect(await nodes[0].store.get(sampleId(1))).toEqual(sample(1))
    await pool.end()
    await close()
  })
})

describe('a standby', () => {
  it('is neither read nor trusted until it is promoted, and then serves the same pool', async () => {
    const primary = await startPostgres({ synchronous_commit: 'on' })
    try {
      const pool = new pg.Pool({ ...primary.connection, max: 4 })
      const store = postgresStore(pool)
      await store.migrate()
      await store.insert(sample(1))
      await store.insert(sample(2))
      expect(await store.revoke({ id: sampleId(2) }, logout)).toMatchObject({ durable: true })
      const standby = await primary.standby()
      await answerOf(async () => {
        if ((await inspectPostgres(pool, { now: Date.now })).attached !== 1) throw new Error('it is on its way')
      })
      // An asynchronous standby may take over without what was just answered.
      await store.insert(sample(3))
      expect(await store.revoke({ id: sampleId(3) }, logout)).toMatchObject({ durable: false })
      await pool.query(`ALTER SYSTEM SET synchronous_standby_names = '*'`)
      await pool.query('SELECT pg_reload_conf()')
      await answerOf(async () => {
        const { durable } = await store.revoke({ id: sampleId(3) }, logout)
        if (!durable) throw new Error('not reloaded yet')
      })
      const everyoneOut = { at: start - 1, reason: 'everyone-out' } as const
      expect(await store.revoke({ everyone: true }, everyoneOut)).toEqual({ ids: [], durable: true })
      await store.insert(sample(4))
      let told = 0
      store.changes?.subscribe((ids) => {
        if (ids === undefined) told += 1
      })
      expect(await isWhole(store)).toBe(true)
      await primary.stop('kill')
      // The address now leads to the standby.
      Object.assign(pool.options, { port: standby.port })
      const get = async (number: number) => store.get(sampleId(number))
      const refused = async () => {
        const code = await get(1).then(
          () => 'answered',
          (thrown: unknown) => (thrown instanceof Error && 'code' in thrown ? thrown.code : undefined),
        )
        if (code !== '25006' && code !== 'answered') throw new Error('an old connection')
        return code
      }
      expect(await answerOf(refused)).toBe('25006')
      await expect(store.get(sampleId(99))).rejects.toMatchObject({ code: '25006' })
      await expect(store.list({ limit: 1 })).rejects.toMatchObject({ code: '25006' })
      // "Lost the race" would be an answer; what revision a standby holds says nothing.
      await expect(store.replace(sample(1), 7)).rejects.toMatchObject({ code: '25006' })
      await expect(store.migrate()).rejects.toMatchObject({ problem: 'read-only' })
      expect(store.changes?.confirm(Date.now(), 60_000)).toBe(false)
      expect((await inspectPostgres(pool, { now: Date.now })).standby).toBe(true)
      await standby.promote()
      expect(await answerOf(async () => store.get(sampleId(4)))).toEqual(sample(4, { epoch: 1 }))
      expect((await store.get(sampleId(1)))?.reason).toBe('everyone-out')
      expect((await store.get(sampleId(2)))?.reason).toBe('logout')
      expect((await store.get(sampleId(3)))?.reason).toBe('logout')
      expect(await isWhole(store)).toBe(true)
      expect(told).toBeGreaterThanOrEqual(2)
      await store[Symbol.asyncDispose]?.()
      await pool.end()
    } finally {
      await primary.close()
    }
  })
})

describe('a connection', () => {
  it('that the server ends while it is idle ends neither the process nor the store', async () => {
    const { nodes, close, schema } = await openNodes(server, 1)
    const pool = new pg.Pool({ ...server.connection, max: 1 })
    const store = postgresStore(pool, { schema, listen: false })
    const { rows } = await pool.query('SELECT pg_backend_pid() AS pid')
    const removed = new Promise((resolve) => pool.once('remove', resolve))
    await nodes[0].pool.query('SELECT pg_terminate_backend($1)', [rows[0].pid])
    await removed
    expect(await store.get(sampleId(1))).toBeUndefined()
    await pool.end()
    await close()
  })

  it('that breaks under a statement fails it at once, and does not end the process', async () => {
    const proxy = await startTcpProxy(server)
    const { nodes, close, schema } = await openNodes(server, 1)
    await nodes[0].store.insert(sample(1))
    const pool = new pg.Pool({ ...server.connection, port: proxy.port, max: 1 })
    let client: pg.PoolClient | undefined
    pool.on('connect', (connected) => {
      client = connected
    })
    const store = postgresStore(pool, { schema, timeout: 60_000, listen: false })
    await store.get(sampleId(1))
    const listening = client?.listenerCount('error')
    await store.get(sampleId(1))
    expect(client?.listenerCount('error')).toBe(listening)
    proxy.hold()
    const asked = store.get(sampleId(1))
    const failed = expect(asked).rejects.toThrow('Connection terminated')
    while (pool.idleCount > 0) await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    proxy.cut()
    await failed
    proxy.release()
    expect((await store.get(sampleId(1)))?.id).toBe(sampleId(1))
    await pool.end()
    await close()
    await proxy.stop()
  })
})

describe('a route that is lost without a word', () => {
  it('costs what was under way, in time, and nothing once it is back', async () => {
    const proxy = await startTcpProxy(server)
    const { nodes, close, schema } = await openNodes(server, 1)
    await nodes[0].store.insert(sample(1))
    const pool = new pg.Pool({ ...server.connection, port: proxy.port, max: 3 })
    const store = postgresStore(pool, { schema, timeout: 200 })
    expect(await isWhole(store)).toBe(true)
    proxy.hold()
    const { changes } = store
    await nodes[0].store.revoke({ id: sampleId(1) }, logout)
    await expect(store.get(sampleId(1))).rejects.toThrow('timeout')
    await expect(store.insert(sample(2))).rejects.toThrow('timeout')
    expect(changes?.confirm(Date.now() + 1001, 1000)).toBe(false)
    // The old connections stay deaf; it is new ones that work again.
    proxy.cut()
    proxy.release()
    expect((await answerOf(async () => store.get(sampleId(1))))?.reason).toBe('logout')
    expect(await isWhole(store)).toBe(true)
    await store[Symbol.asyncDispose]?.()
    await pool.end()
    await close()
    await proxy.stop()
  })
})

describe('a statement', () => {
  it('that another transaction holds up fails in time, and leaves the pool fit', async () => {
    const { nodes, close, schema } = await openNodes(server, 1)
    const [{ pool }] = nodes
    const store = postgresStore(pool, { schema, timeout: 200, listen: false })
    await store.insert(sample(1))
    const holder = await pool.connect()
    await holder.query('BEGIN')
    await holder.query(`SELECT FROM ${schema}.holdfast_sessions FOR UPDATE`)
    await expect(store.revoke({ id: sampleId(1) }, logout)).rejects.toThrow('timeout')
    expect((await store.get(sampleId(1)))?.reason).toBeNull()
    await holder.query('ROLLBACK')
    holder.release()
    await answerOf(async () => store.revoke({ id: sampleId(1) }, logout))
    expect((await store.get(sampleId(1)))?.reason).toBe('logout')
    await close()
  })

  it('finds no endless queue behind a pool that is used up', async () => {
    const { nodes, close, schema } = await openNodes(server, 1)
    await nodes[0].store.insert(sample(1))
    const pool = new pg.Pool({ ...server.connection, max: 2 })
    const store = postgresStore(pool, { schema, listen: false })
    const held = [await pool.connect(), await pool.connect()]
    const lookups = Array.from({ length: 12_000 }, async () => store.get(sampleId(1)))
    const writes = Array.from({ length: 1200 }, async (_, number) => store.insert(sample(number + 2)))
    const refused = [...lookups, ...writes].map((each) => each.then(() => undefined).catch((fault: unknown) => String(fault)))
    await new Promise((resolve) => setImmediate(resolve))
    for (const client of held) client.release()
    const faults = await Promise.all(refused)
    const count = (some: readonly (string | undefined)[], words: string) => some.filter((fault) => fault?.includes(words)).length
    // Ten thousand lookups wait, and those under way; a thousand writes. None of them fails for another's number.
    expect(count(faults.slice(0, 12_000), 'questions wait for the database')).toBeGreaterThanOrEqual(1500)
    expect(count(faults.slice(0, 12_000), 'statements wait for the database')).toBe(0)
    expect(count(faults.slice(12_000), 'statements wait for the database')).toBe(200)
    expect(await store.get(sampleId(1))).toEqual(sample(1))
    await pool.end()
    await close()
  })

  it('fails where the server has no connection left, and goes through when it has', async () => {
    const { nodes, close, schema } = await openNodes(server, 1)
    const [{ pool }] = nodes
    const role = `limited_${schema}`
    await pool.query(`CREATE ROLE ${role} LOGIN PASSWORD 'p' CONNECTION LIMIT 1; GRANT USAGE ON SCHEMA ${schema} TO ${role};
      GRANT ALL ON ALL TABLES IN SCHEMA ${schema} TO ${role}`)
    const limited = { ...server.connection, user: role, password: 'p' }
    const only = new pg.Client(limited)
    await only.connect()
    const own = new pg.Pool({ ...limited, max: 1 })
    const store = postgresStore(own, { schema, listen: false })
    await expect(store.get(sampleId(1))).rejects.toMatchObject({ code: '53300' })
    await only.end()
    expect(await answerOf(async () => store.get(sampleId(1)))).toBeUndefined()
    // It may use the tables, and needs no right to make them.
    await expect(store.migrate()).resolves.toBeUndefined()
    await own.end()
    await close()
  })
})
