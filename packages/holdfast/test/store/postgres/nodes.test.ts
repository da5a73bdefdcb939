/** What several nodes do to each other on one server. */
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../../../test/services/postgres.ts'
import { postgresStore } from '../../../src/store/postgres.ts'
import { expectedVersion, namesIn } from '../../../src/store/postgres-schema.ts'
import type { SessionId, SessionRecord, Store } from '../../../src/store/store.ts'
import { confirmUntil, minute, parallel, sample, sampleId, start } from '../../../src/testing/contract/check.ts'
import { nextSchema, openNodes } from './nodes.ts'

let server: PostgresServer

beforeAll(async () => {
  server = await startPostgres()
})

afterAll(() => server.close())

const logout = { at: start + minute, reason: 'logout' } as const

describe('nodes that start at the same time', () => {
  it('make the tables once, eight times over', async () => {
    for (let round = 0; round < 8; round += 1) {
      const schema = nextSchema()
      const pools = [0, 1, 2].map(() => new pg.Pool({ ...server.connection, max: 2 }))
      const stores = pools.map((pool) => postgresStore(pool, { schema }))
      await Promise.all([...stores, ...stores].map((store) => store.migrate()))
      expect(await stores[0]?.insert(sample(1))).toEqual({ inserted: true, evicted: [] })
      const versions = await pools[0]?.query(`SELECT version FROM ${schema}.holdfast_version`)
      expect(versions?.rows).toEqual([{ version: expectedVersion }])
      for (const store of stores) await store[Symbol.asyncDispose]?.()
      for (const pool of pools) await pool.end()
    }
  })
})

describe('one-time things among nodes', () => {
  it('are spent once by sixteen that take at the same time, under READ COMMITTED', async () => {
    const { nodes, close, schema } = await openNodes(server, 4)
    const stores = nodes.map(({ store }) => store)
    for (let round = 0; round < 20; round += 1) {
      await nodes[0].store.tickets.put({ id: `ticket ${round}`, expiresAt: start + minute, data: round })
      const taken = await parallel(stores, 16, (store) => store.tickets.take(`ticket ${round}`, start))
      expect(taken.filter((ticket) => ticket !== undefined)).toEqual([
        { id: `ticket ${round}`, expiresAt: start + minute, data: round },
      ])
    }
    const level = await nodes[0].pool.query('SHOW transaction_isolation')
    expect(level.rows).toEqual([{ transaction_isolation: 'read committed' }])
    expect((await nodes[0].pool.query(`SELECT FROM ${schema}.holdfast_tickets`)).rowCount).toBe(0)
    await close()
  })
})

describe('caps', () => {
  it('are refused where each statement does not see what was committed before it', async () => {
    const { nodes, close, schema } = await openNodes(server, 1)
    const options = '-c default_transaction_isolation=repeatable\\ read'
    const pool = new pg.Pool({ ...server.connection, options, max: 4 })
    const store = postgresStore(pool, { schema, listen: false })
    const cap = { max: 1, now: start, whenFull: 'refuse' } as const
    await expect(store.insert(sample(1), cap)).rejects.toThrow('READ COMMITTED')
    expect(await nodes[0].store.get(sampleId(1))).toBeUndefined()
    await pool.end()
    await close()
  })
})

describe('changes of many records at once', () => {
  it('never wait for each other in a circle', async () => {
    const { nodes, close } = await openNodes(server, 3)
    const ids = Array.from({ length: 40 }, (_, number) => sampleId(number))
    for (let number = 0; number < 40; number += 1) await nodes[0].store.insert(sample(number))
    const stores = nodes.map(({ store }) => store)
    const at = (caller: number) => ({ seenAt: start + caller, idleExpiresAt: start + minute * 60 + caller, ip: null })
    await parallel<unknown>(stores, 64, async (store, caller) => {
      if (caller === 40) return store.revoke({ subject: 'alice' }, logout)
      if (caller > 44) return store.replace(sample(caller - 44, { label: 'x' }), 0)
      const order = caller % 2 === 0 ? ids : [...ids].reverse()
      return store.touch(order.map((id) => ({ id, ...at(caller) })))
    })
    expect((await nodes[0].store.list({ subject: 'alice', liveAt: start, limit: 10 })).items).toEqual([])
    await close()
  })

  it('take the furthest of several sightings of one session', async () => {
    const { nodes, close } = await openNodes(server, 1)
    const { store } = nodes[0]
    await store.insert(sample(1))
    const idleExpiresAt = start + 40 * minute
    await store.touch([
      { id: sampleId(1), seenAt: start + 5, idleExpiresAt, ip: '192.0.2.5' },
      { id: sampleId(1), seenAt: start + 9, idleExpiresAt: start + minute, ip: '192.0.2.9' },
      { id: 'no id', seenAt: start + 99, idleExpiresAt, ip: null },
    ])
    expect(await store.get(sampleId(1))).toEqual(sample(1, { seenAt: start + 9, idleExpiresAt, lastIp: '192.0.2.9' }))
    await close()
  })

  it('answer each of several replacements of one record as if they came one after another', async () => {
    const { nodes, close } = await openNodes(server, 1)
    const { store } = nodes[0]
    await store.insert(sample(1))
    const asked = [0, 0, 1, 1, 3].map(async (revision, at) => store.replace(sample(1, { label: `${at}` }), revision))
    expect(await Promise.all(asked)).toEqual([true, false, true, false, false])
    expect(await store.get(sampleId(1))).toEqual(sample(1, { label: '2', revision: 2 }))
    const revoked = [1, 2, 3].map(async () => store.revoke({ id: sampleId(1) }, logout))
    expect((await Promise.all(revoked)).map(({ ids }) => ids)).toEqual([[sampleId(1)], [], []])
    await close()
  })
})

/** Ids that a feed tells, and whether it said that anything may have changed. */
function ear(store: Store): { ids: Set<SessionId>; everything: number } {
  const heard = { ids: new Set<SessionId>(), everything: 0 }
  store.changes?.subscribe((ids) => {
    if (ids === undefined) heard.everything += 1
    for (const id of ids ?? []) heard.ids.add(id)
  })
  return heard
}

async function isWhole(store: Store): Promise<void> {
  const { changes } = store
  if (changes === undefined) throw new Error('this store has no feed')
  expect(await confirmUntil(changes, () => changes.confirm(Date.now(), 1000))).toBe(true)
}

async function listenerOf(pool: pg.Pool, schema: string): Promise<number> {
  const { rows } = await pool.query(
    `SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND (query = $1 OR query = 'SELECT 1') ORDER BY backend_start DESC LIMIT 1`,
    [`LISTEN "${namesIn(schema).channel}"`],
  )
  return rows[0].pid
}

describe('notifications', () => {
  it('come before the answer of a query that was sent after their commit was answered', async () => {
    const { nodes, close, schema } = await openNodes(server, 2, { listen: false })
    const listener = new pg.Client(server.connection)
    await listener.connect()
    await listener.query(`LISTEN "${namesIn(schema).channel}"`)
    const heard = new Set<string>()
    listener.on('notification', ({ payload }) => heard.add(payload?.split('!')[0] ?? ''))
    for (let number = 0; number < 200; number += 1) {
      const { store } = nodes[number % 2 === 0 ? 0 : 1] ?? nodes[0]
      await store.insert(sample(number))
      await store.revoke({ id: sampleId(number) }, logout)
      await listener.query('SELECT 1')
      expect(heard.has(sampleId(number)), `revocation ${number}`).toBe(true)
    }
    await listener.end()
    await close()
  })

  it('say how sessions ended, unless they ended in several ways', async () => {
    const { nodes, close } = await openNodes(server, 2)
    const [first, second] = nodes
    const { changes } = (second ?? first).store
    await isWhole((second ?? first).store)
    for (const number of [1, 2, 3, 4]) await first.store.insert(sample(number))
    const told: unknown[] = []
    changes?.subscribe((...all) => told.push(all))
    await first.store.revoke({ id: sampleId(1) }, logout)
    const admin = { at: logout.at, reason: 'admin' } as const
    // Of one turn, hence of one statement.
    await Promise.all([logout, admin].map(async (how, at) => first.store.revoke({ id: sampleId(at + 2) }, how)))
    await first.store.revoke({ subject: 'alice' }, admin)
    if (changes !== undefined) await confirmUntil(changes, () => told.length >= 3)
    expect(told).toEqual([
      [[sampleId(1)], logout],
      [expect.arrayContaining([sampleId(2), sampleId(3)]), undefined],
      [[sampleId(4)], admin],
    ])
    await close()
  })

  it('tells how the sessions ended that a sign-in put out, each by its own reason', async () => {
    const { nodes, close } = await openNodes(server, 2)
    const [first, second = first] = nodes
    const { changes } = second.store
    await isWhole(second.store)
    for (const number of [1, 2, 3]) await first.store.insert(sample(number))
    const told: unknown[] = []
    changes?.subscribe((ids, ended) => ended !== undefined && told.push([ids, ended]))
    const now = start + minute
    const cap = { max: 2, now, whenFull: 'evict-oldest', replaces: sampleId(3) } as const
    expect((await first.store.insert(sample(4, { createdAt: now }), cap)).evicted).toEqual([sampleId(1)])
    if (changes !== undefined) await confirmUntil(changes, () => told.length >= 2)
    expect(told).toEqual([
      [[sampleId(1)], { at: now, reason: 'evicted' }],
      [[sampleId(3)], { at: now, reason: 'replaced' }],
    ])
    await close()
  })

  it('say that anything may have changed when they would be too long', async () => {
    const { nodes, close } = await openNodes(server, 2)
    const [first, second] = nodes
    const heard = ear((second ?? first).store)
    await isWhole((second ?? first).store)
    const told = heard.everything
    const subject = 'a subject with many'
    await Promise.all(Array.from({ length: 301 }, async (_, number) => first.store.insert(sample(number, { subject }))))
    expect((await first.store.revoke({ subject }, logout)).ids).toHaveLength(301)
    const feed = (second ?? first).store.changes
    expect(feed === undefined ? false : await confirmUntil(feed, () => heard.everything > told)).toBe(true)
    expect(heard.ids.size).toBe(0)
    await close()
  })
})

describe('a listening connection', () => {
  it('is made as the app says, or not at all', async () => {
    const { nodes, close, schema } = await openNodes(server, 1)
    const [{ pool }] = nodes
    const made: pg.Client[] = []
    const listen = () => {
      const client = new pg.Client({ ...server.connection, application_name: 'listener' })
      made.push(client)
      return client
    }
    const store = postgresStore(pool, { schema, listen })
    store.changes?.subscribe(() => {})
    await isWhole(store)
    expect(made).toHaveLength(1)
    await store[Symbol.asyncDispose]?.()
    const left = `SELECT FROM pg_stat_activity WHERE application_name = 'listener'`
    while ((await pool.query(left)).rowCount !== 0) await new Promise((resolve) => setImmediate(resolve))
    expect(postgresStore(pool, { schema, listen: false }).changes).toBeUndefined()
    await close()
  })

  it('that the server ends is made again, and what happened meanwhile is not missed', async () => {
    const { nodes, close, schema } = await openNodes(server, 2)
    const [first, second = first] = nodes
    const heard = ear(second.store)
    await isWhole(second.store)
    const pid = await listenerOf(first.pool, schema)
    const told = heard.everything
    await first.pool.query('SELECT pg_terminate_backend($1, 5000)', [pid])
    await first.store.insert(sample(1))
    await first.store.revoke({ id: sampleId(1) }, logout)
    await isWhole(second.store)
    expect(heard.everything).toBeGreaterThanOrEqual(told + 2)
    await first.store.insert(sample(2))
    await first.store.revoke({ id: sampleId(2) }, logout)
    const feed = second.store.changes
    expect(feed === undefined ? false : await confirmUntil(feed, () => heard.ids.has(sampleId(2)))).toBe(true)
    await close()
  })

  it('that hangs confirms nothing beyond the bound, and tells what came meanwhile before it confirms again', async () => {
    const { nodes, close, schema } = await openNodes(server, 2)
    const [first, second = first] = nodes
    const heard = ear(second.store)
    await isWhole(second.store)
    const pid = await listenerOf(first.pool, schema)
    process.kill(pid, 'SIGSTOP')
    const record: SessionRecord = sample(1)
    await first.store.insert(record)
    await first.store.revoke({ id: record.id }, logout)
    const feed = second.store.changes
    const later = Date.now() + 1001
    expect(feed?.confirm(later, 1000)).toBe(false)
    expect(heard.ids.has(record.id)).toBe(false)
    process.kill(pid, 'SIGCONT')
    expect(feed === undefined ? false : await confirmUntil(feed, () => feed.confirm(later + 1, 1000))).toBe(true)
    expect(heard.ids.has(record.id)).toBe(true)
    await close()
  })
})
