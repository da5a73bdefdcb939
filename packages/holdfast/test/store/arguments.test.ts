/** Stores given what TypeScript would not let through: refused by name, before anything is opened. */
import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import { inspectPostgres, postgresStore } from '../../src/store/postgres.ts'
import { connectRedis, inspectRedis, redisStore } from '../../src/store/redis.ts'
import { sqliteStore } from '../../src/store/sqlite.ts'
import { useDatabaseFile } from './sqlite-file.ts'

const file = useDatabaseFile()
// biome-ignore lint/suspicious/noExplicitAny: what this is about is that nobody checked the types.
type Untyped = any
const untyped = (value: unknown) => value as Untyped
const pool = untyped({ query: async () => ({}), on: () => undefined })
const client = untyped({ sendCommand: async () => '', isReady: true })

const wrong: readonly (readonly [name: string, open: () => unknown, message: RegExp])[] = [
  ['SQLite of nothing', () => sqliteStore(untyped(undefined)), /options must be an object/],
  ['SQLite without a path', () => sqliteStore(untyped({})), /^path must be the path of a file, as text$/],
  [
    'SQLite with a misspelt option',
    () => sqliteStore(untyped({ path: file.path, createfolder: true })),
    /^createfolder: not an option; known are path, createFolder, busyTimeout, maxBytes$/,
  ],
  ['memory with a misspelt option', () => memoryStore(untyped({ maxsessions: 5 })), /^maxsessions: not an option; known are max/],
  ['memory of a number', () => memoryStore(untyped(5)), /options must be an object/],
  [
    'PostgreSQL of an address',
    () => postgresStore(untyped('postgres://db/app')),
    /^the client must be a pool of pg: new pg\.Pool/,
  ],
  ['PostgreSQL of nothing', () => postgresStore(untyped(undefined)), /^the client must be a pool of pg/],
  [
    'PostgreSQL with a misspelt option',
    () => postgresStore(pool, untyped({ shema: 'x' })),
    /^shema: not an option; known are schema/,
  ],
  ['Redis of an address', () => redisStore(untyped('redis://cache')), /^the client must be one of node-redis, connected/],
  ['Redis of nothing', () => redisStore(untyped(undefined)), /^the client must be one of node-redis/],
  [
    'Redis with a misspelt option',
    () => redisStore(client, untyped({ keyPrefix: 'x' })),
    /^keyPrefix: not an option; known are prefix/,
  ],
]

const inspected: readonly (readonly [name: string, inspect: () => Promise<unknown>, message: RegExp])[] = [
  [
    'PostgreSQL of an address',
    () => inspectPostgres(untyped('postgres://db/app'), { now: Date.now }),
    /^the client must be a pool/,
  ],
  ['PostgreSQL without options', () => inspectPostgres(pool, untyped(undefined)), /^the options must be an object$/],
  ['PostgreSQL without a clock', () => inspectPostgres(pool, untyped({})), /^now must be a function$/],
  ['Redis of an address', () => inspectRedis(untyped('redis://cache')), /^the client must be one of node-redis/],
  ['Redis to be connected, of nothing', () => connectRedis(untyped(undefined)), /^the client must be one of node-redis/],
]

describe('a look at a store', () => {
  it.each(inspected)('is refused by the name of what is wrong: %s', async (_name, inspect, message) => {
    await expect(inspect()).rejects.toThrow(
      expect.objectContaining({ name: 'TypeError', message: expect.stringMatching(message) }),
    )
  })
})

describe('a store', () => {
  it.each(wrong)('is refused by the name of what is wrong: %s', (_name, open, message) => {
    expect(open).toThrow(expect.objectContaining({ name: 'TypeError', message: expect.stringMatching(message) }))
    expect(existsSync(file.path)).toBe(false)
  })
})
