import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { inspectSqlite, StoreOpenError, sqliteStore } from '../../src/store/sqlite.ts'
import { fullSample, sample, sampleId } from '../../src/testing/contract/check.ts'
import { useDatabaseFile } from './sqlite-file.ts'

const file = useDatabaseFile()

function refusal(run: () => unknown): StoreOpenError {
  try {
    run()
  } catch (fault) {
    if (fault instanceof StoreOpenError) return fault
    throw fault
  }
  throw new Error('it was not refused')
}

describe('opening', () => {
  it('creates files that only their owner can read', async () => {
    await file.open().insert(sample(1))
    for (const name of [file.path, `${file.path}-wal`, `${file.path}-shm`]) expect(statSync(name).mode & 0o777, name).toBe(0o600)
  })

  it('creates no folder unless told to', () => {
    const nested = file.beside('a/b/store.db')
    expect(refusal(() => file.open({ path: nested })).problem).toBe('unreachable')
    expect(existsSync(file.beside('a'))).toBe(false)
    file.open({ path: nested, createFolder: true })
    expect(statSync(dirname(nested)).mode & 0o777).toBe(0o700)
  })

  it('refuses a folder, an empty path and a file below a file', () => {
    mkdirSync(file.beside('folder'))
    writeFileSync(file.beside('file'), '')
    for (const wrong of [file.beside('folder'), '', file.beside('file/store.db')]) {
      expect(refusal(() => file.open({ path: wrong })).problem, wrong).toBe('unreachable')
    }
    expect(readdirSync(dirname(file.path)).sort()).toEqual(['file', 'folder'])
  })

  it('refuses what is no database, and the database of another application, and leaves them as they were', () => {
    writeFileSync(file.path, 'not a database, however long this text may be. '.repeat(50))
    const other = file.beside('other.db')
    const database = file.raw(other)
    database.exec('CREATE TABLE notes (text); PRAGMA user_version = 3')
    database.close()
    for (const wrong of [file.path, other]) {
      const before = readFileSync(wrong)
      expect(refusal(() => file.open({ path: wrong })).problem).toBe('not-a-store')
      expect(readFileSync(wrong)).toEqual(before)
    }
    expect(readdirSync(dirname(file.path)).sort()).toEqual(['other.db', 'store.db'])
  })

  it('refuses the schema of a later release, and says which', async () => {
    const store = sqliteStore(file.path)
    await store[Symbol.asyncDispose]?.()
    const database = file.raw()
    database.exec('PRAGMA user_version = 99')
    database.close()
    const before = readFileSync(file.path)
    const fault = refusal(() => file.open())
    expect([fault.problem, fault.path]).toEqual(['newer-version', file.path])
    expect(fault.message).toContain('version 99')
    expect(readFileSync(file.path)).toEqual(before)
    expect(inspectSqlite(file.path).schemaVersion).toBe(99)
  })

  it('refuses options out of range', () => {
    for (const busyTimeout of [-1, 251, Number.NaN]) expect(() => file.open({ busyTimeout })).toThrow(RangeError)
    expect(() => file.open({ maxBytes: 1000 })).toThrow(RangeError)
    expect(existsSync(file.path)).toBe(false)
  })

  it('takes a name that SQLite would read as an instruction for the name of a file', async () => {
    const before = process.cwd()
    process.chdir(dirname(file.path))
    try {
      const name = 'file:other.db?mode=memory'
      await file.open({ path: name }).insert(sample(1))
      expect(await file.open({ path: file.beside(name) }).get(sampleId(1))).toEqual(sample(1))
      expect(() => file.open({ path: ':memory:' })).toThrow('memoryStore()')
      expect(existsSync(file.beside(':memory:'))).toBe(false)
    } finally {
      process.chdir(before)
    }
  })

  it('finds everything again after it was closed, twice', async () => {
    const store = file.open()
    await store.insert(fullSample(1))
    await store[Symbol.asyncDispose]?.()
    await store[Symbol.asyncDispose]?.()
    expect(() => store.get(sampleId(1))).toThrow()
    expect(await file.open().get(sampleId(1))).toEqual(fullSample(1))
  })
})

describe('inspection', () => {
  it('counts, names the versions and changes nothing', async () => {
    const store = file.open()
    for (const number of [1, 2]) await store.insert(sample(number))
    await store.tickets.put({ id: 't', expiresAt: 1, data: null })
    await store.denylist.put({ key: 'jti:1', before: null, expiresAt: 1 })
    await store.eventLog.append([{ at: 1, kind: 'k', data: {}, hash: 'h', previous: '' }], 0)
    const counts = { sessions: 2, tickets: 1, counters: 0, denials: 1, apiKeys: 0, events: 1 }
    expect(inspectSqlite(file.path)).toEqual({
      schemaVersion: 2,
      expectedVersion: 2,
      journalMode: 'wal',
      integrity: 'ok',
      counts,
    })
    await store[Symbol.asyncDispose]?.()
    expect(inspectSqlite(file.path).counts).toEqual(counts)
    expect(() => inspectSqlite(file.beside('none.db'))).toThrow(StoreOpenError)
    expect(existsSync(file.beside('none.db'))).toBe(false)
  })

  it('says what is missing from a database that is no store', () => {
    file.raw().exec('CREATE TABLE notes (text)')
    const missing = { sessions: null, tickets: null, counters: null, denials: null, apiKeys: null, events: null }
    expect(inspectSqlite(file.path).counts).toEqual(missing)
  })
})
