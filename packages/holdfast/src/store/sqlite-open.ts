/** Opens a database file, creating and upgrading it where needed. */
import { accessSync, closeSync, constants, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StoreOpenError } from './sqlite-errors.ts'
import { applicationId, expectedVersion, migrations } from './sqlite-schema.ts'

export interface OpenOptions {
  readonly path: string
  readonly createFolder: boolean
  readonly busyTimeout: number
  readonly maxBytes: number | undefined
}

/** While opening: several processes that start together take turns, and a migration may take a while. */
const openingTimeout = 10_000

/** Throws a `StoreOpenError`; a file that it refuses is left as it was. */
export function openDatabase({ path, createFolder, busyTimeout, maxBytes }: OpenOptions): DatabaseSync {
  // Whoever writes this wants no file, and would get one of that name.
  if (path === ':memory:') throw new StoreOpenError('unreachable', path, 'a store in memory is memoryStore()')
  // An absolute path, so that SQLite reads no `file:` address into it.
  const file = resolve(path)
  if (path === '') throw new StoreOpenError('unreachable', '(nothing)', 'the path is empty')
  const database = open(file, createFolder)
  try {
    database.exec(`PRAGMA busy_timeout = ${openingTimeout}`)
    refuseForeign(database, file)
    prepare(database)
    if (maxBytes !== undefined) limitSize(database, maxBytes)
    database.exec(`PRAGMA busy_timeout = ${busyTimeout}`)
    return database
  } catch (fault) {
    database.close()
    throw fault instanceof StoreOpenError ? fault : new StoreOpenError(problemOf(fault), file, messageOf(fault), fault)
  }
}

function open(file: string, createFolder: boolean): DatabaseSync {
  try {
    if (createFolder) mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    createPrivately(file)
    return new DatabaseSync(file)
  } catch (fault) {
    throw new StoreOpenError('unreachable', file, messageOf(fault), fault)
  }
}

/** The file is there before SQLite opens it, readable by its owner only; SQLite gives its side files the same mode. */
function createPrivately(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch (fault) {
    if (!(fault instanceof Error && 'code' in fault && fault.code === 'EEXIST')) throw fault
    if (!statSync(file).isFile()) throw new Error('it is not a file')
    accessSync(file, constants.R_OK | constants.W_OK)
  }
}

function refuseForeign(database: DatabaseSync, file: string): void {
  const version = pragma(database, 'user_version')
  const owner = pragma(database, 'application_id')
  if (owner !== applicationId && (owner !== 0 || version !== 0)) {
    throw new StoreOpenError('not-a-store', file, 'it is the database of another application')
  }
  if (version > expectedVersion) {
    const why = `its schema has version ${version}, and this release knows versions up to ${expectedVersion}`
    throw new StoreOpenError('newer-version', file, why)
  }
}

function prepare(database: DatabaseSync): void {
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA cache_size = -65536;
    PRAGMA journal_size_limit = 67108864;
    PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON;
  `)
  if (pragma(database, 'user_version') === expectedVersion) return
  database.exec('BEGIN IMMEDIATE')
  // Another process may have done it while this one waited for the lock.
  for (const step of migrations.slice(pragma(database, 'user_version'))) database.exec(step)
  database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${expectedVersion}; COMMIT`)
}

function limitSize(database: DatabaseSync, maxBytes: number): void {
  database.exec(`PRAGMA max_page_count = ${Math.floor(maxBytes / pragma(database, 'page_size'))}`)
}

export function pragma(database: DatabaseSync, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name])
}

const notADatabase = 26
const corrupt = 11

function problemOf(fault: unknown): 'unreachable' | 'not-a-store' {
  const code = fault instanceof Error && 'errcode' in fault ? fault.errcode : undefined
  return code === notADatabase || code === corrupt ? 'not-a-store' : 'unreachable'
}

function messageOf(fault: unknown): string {
  return fault instanceof Error ? fault.message : String(fault)
}
