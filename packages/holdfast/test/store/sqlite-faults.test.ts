import { describe, expect, it } from 'vitest'
import { ChangeListeners } from '../../src/store/changes.ts'
import { inspectSqlite } from '../../src/store/sqlite.ts'
import { Connection } from '../../src/store/sqlite-connection.ts'
import { openDatabase } from '../../src/store/sqlite-open.ts'
import { SqliteSessions } from '../../src/store/sqlite-sessions.ts'
import { SqliteTickets } from '../../src/store/sqlite-tickets.ts'
import { sample, sampleId } from '../../src/testing/contract/check.ts'
import { useDatabaseFile } from './sqlite-file.ts'

const file = useDatabaseFile()

describe('a locked file', () => {
  it('is a fault for who writes, soon, and none for who reads', async () => {
    const store = file.open({ busyTimeout: 20 })
    await store.insert(sample(1))
    const other = file.raw()
    other.exec('BEGIN IMMEDIATE')
    expect(() => store.insert(sample(2), { max: 1, now: 0, whenFull: 'refuse' })).toThrow('locked')
    expect(() => store.revoke({ id: sampleId(1) }, { at: 1, reason: 'logout' })).toThrow('locked')
    expect(() => store.touch([{ id: sampleId(1), seenAt: 1, idleExpiresAt: 1, ip: null }])).toThrow('locked')
    expect(await store.get(sampleId(1))).toEqual(sample(1))
    other.exec('ROLLBACK')
    expect((await store.revoke({ id: sampleId(1) }, { at: 1, reason: 'logout' })).ids).toEqual([sampleId(1)])
  })
})

describe('a full disk', () => {
  it('is a fault that leaves all as it was, and is over when there is room', async () => {
    const store = file.open({ maxBytes: 2 ** 20 })
    const cap = { max: 100_000, now: sample(0).createdAt, whenFull: 'evict-oldest' } as const
    const fill = async (): Promise<number> => {
      for (let number = 0; ; number += 1) await store.insert(sample(number, { attributes: { filler: 'x'.repeat(2000) } }), cap)
    }
    await expect(fill()).rejects.toThrow('full')
    const { items } = await store.list({ limit: 1000 })
    expect(items.length).toBeGreaterThan(100)
    const chained = { hash: 'h', previous: 'p' }
    const events = Array.from({ length: 2000 }, () => ({ at: 1, kind: 'k', data: { filler: 'x'.repeat(500) }, ...chained }))
    expect(() => store.eventLog.append(events, 0)).toThrow('full')
    expect(await store.eventLog.read({ limit: 10 })).toEqual([])
    expect(await store.get(sampleId(3))).toBeDefined()
    expect((await store.revoke({ id: sampleId(3) }, { at: 1, reason: 'logout' })).ids).toEqual([sampleId(3)])
    expect(await store.sweep({ endedBefore: 1e15, anonymousEndedBefore: 1e15, limit: 50 })).toBe(50)
    expect((await store.insert(sample(5000), cap)).inserted).toBe(true)
    expect(inspectSqlite(file.path).integrity).toBe('ok')
  })
})

describe('a connection', () => {
  it('is back to full durability after relaxed work, even work that failed', () => {
    const database = file.raw()
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    const connection = new Connection(database)
    const synchronous = () => database.prepare('PRAGMA synchronous').get()?.synchronous
    expect(connection.relaxed(synchronous)).toBe(1)
    expect(synchronous()).toBe(2)
    const fail = () => {
      throw new Error('on purpose')
    }
    expect(() => connection.relaxed(() => connection.transaction(fail))).toThrow('on purpose')
    expect(synchronous()).toBe(2)
    expect(connection.transaction(() => 'free again')).toBe('free again')
  })
})

describe('what a power failure may not take', () => {
  class Watched extends Connection {
    relaxations = 0
    override relaxed<T>(work: () => T): T {
      this.relaxations += 1
      return super.relaxed(work)
    }
  }

  it('is on disk when the call returns; the rest may wait', () => {
    const database = openDatabase({ path: file.path, createFolder: false, busyTimeout: 0, maxBytes: undefined })
    file.closing(database)
    expect(database.prepare('PRAGMA synchronous').get()?.synchronous).toBe(2)
    const connection = new Watched(database)
    const sessions = new SqliteSessions(connection, new ChangeListeners())
    const tickets = new SqliteTickets(connection)
    const relaxedBy = (work: () => unknown): boolean => {
      const before = connection.relaxations
      work()
      return connection.relaxations > before
    }
    expect(relaxedBy(() => sessions.insert(sample(1), { max: 1, now: 0, whenFull: 'evict-oldest' }))).toBe(false)
    expect(relaxedBy(() => sessions.replace(sample(1), 0))).toBe(false)
    expect(relaxedBy(() => sessions.revoke({ id: sampleId(1) }, { at: 1, reason: 'logout' }))).toBe(false)
    expect(relaxedBy(() => sessions.revoke({ everyone: true }, { at: 1, reason: 'everyone-out' }))).toBe(false)
    expect(relaxedBy(() => tickets.put({ id: 't', expiresAt: 9, data: null }))).toBe(false)
    expect(relaxedBy(() => tickets.take('t', 1))).toBe(false)
    expect(relaxedBy(() => sessions.touch([{ id: sampleId(1), seenAt: 1, idleExpiresAt: 1, ip: null }]))).toBe(true)
    expect(relaxedBy(() => sessions.sweep({ endedBefore: 1, anonymousEndedBefore: 1, limit: 1 }))).toBe(true)
  })
})

describe('changes', () => {
  it('tells of no touch of its own', async () => {
    const store = file.open()
    await store.insert(sample(1))
    const told: unknown[] = []
    store.changes?.subscribe((ids) => told.push(ids))
    await store.touch([{ id: sampleId(1), seenAt: 1e15, idleExpiresAt: 1e15, ip: null }])
    store.changes?.confirm(0, 0)
    expect(told).toEqual([])
  })
})
