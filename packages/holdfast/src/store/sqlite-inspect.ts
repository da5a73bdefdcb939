/** Looks at a database file without changing it, whatever its version. */
import { resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StoreOpenError } from './sqlite-errors.ts'
import { pragma } from './sqlite-open.ts'
import { expectedVersion, tables } from './sqlite-schema.ts'

export interface SqliteReport {
  readonly schemaVersion: number
  /** The version that this release writes. */
  readonly expectedVersion: number
  /** `wal` for a store in order. */
  readonly journalMode: string
  /** `ok`, or the first thing that SQLite's own check finds wrong. */
  readonly integrity: string
  /** Rows by table; null where the table is missing. */
  readonly counts: { readonly [Table in keyof typeof tables]: number | null }
}

/** Reads all of the file: takes seconds for a large one. Throws a `StoreOpenError` when it cannot be read. */
export function inspectSqlite(path: string): SqliteReport {
  const file = resolve(path)
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { readOnly: true })
    return report(database)
  } catch (fault) {
    throw new StoreOpenError('unreachable', file, fault instanceof Error ? fault.message : String(fault), fault)
  } finally {
    database?.close()
  }
}

function report(database: DatabaseSync): SqliteReport {
  return {
    schemaVersion: pragma(database, 'user_version'),
    expectedVersion,
    journalMode: text(database, 'PRAGMA journal_mode'),
    integrity: integrityOf(database),
    counts: {
      sessions: count(database, tables.sessions),
      tickets: count(database, tables.tickets),
      counters: count(database, tables.counters),
      denials: count(database, tables.denials),
      apiKeys: count(database, tables.apiKeys),
      events: count(database, tables.events),
    },
  }
}

function integrityOf(database: DatabaseSync): string {
  try {
    return text(database, 'PRAGMA integrity_check(1)')
  } catch (fault) {
    return fault instanceof Error ? fault.message : String(fault)
  }
}

function count(database: DatabaseSync, table: string): number | null {
  const exists = database.prepare(`SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?`).get(table)
  return exists === undefined ? null : Number(text(database, `SELECT count(*) FROM ${table}`))
}

function text(database: DatabaseSync, sql: string): string {
  return String(Object.values(database.prepare(sql).get() ?? {})[0])
}
