/** Tables of the accounts, with a migration table of their own: they may share a file with the session store. */
import type { DatabaseSync } from 'node:sqlite'
import { AccountsVersionError } from './version-error.ts'

/** One entry per version, never edited once released: entry n leads from version n to n + 1. */
const migrations: readonly string[] = [
  `CREATE TABLE accounts (
     id TEXT PRIMARY KEY,
     username TEXT NOT NULL,
     username_key TEXT NOT NULL UNIQUE,
     email TEXT,
     role TEXT NOT NULL CHECK (role IN ('admin', 'user')),
     disabled INTEGER NOT NULL CHECK (disabled IN (0, 1)),
     created_at INTEGER NOT NULL,
     password_hash TEXT NOT NULL,
     password_changed_at INTEGER NOT NULL,
     version INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE account_names (
     name_key TEXT PRIMARY KEY,
     account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX account_names_account ON account_names (account_id);`,
  `CREATE TABLE event_cursors (
     name TEXT PRIMARY KEY,
     place INTEGER NOT NULL,
     holder TEXT NOT NULL,
     held_until INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;`,
]

export const accountsSchemaVersion: number = migrations.length

/** Ends a transaction that failed. A full disk has ended it already: a second fault here would hide the first. */
export function rollBack(database: DatabaseSync): void {
  try {
    database.exec('ROLLBACK')
  } catch {}
}

/** Version of the accounts in this database; 0 when it has none. */
export function readSchemaVersion(database: DatabaseSync): number {
  const table = database.prepare("SELECT 1 AS found FROM sqlite_schema WHERE name = 'account_schema'").get()
  if (table === undefined) return 0
  return Number(database.prepare('SELECT version FROM account_schema').get()?.version ?? 0)
}

/** Brings the tables to this version; safe when several processes start at once. Returns how many steps it took. */
export function migrateAccounts(database: DatabaseSync): number {
  const version = readSchemaVersion(database)
  if (version > accountsSchemaVersion) throw new AccountsVersionError(version, accountsSchemaVersion)
  if (version === accountsSchemaVersion) return 0
  database.exec('BEGIN IMMEDIATE')
  try {
    // Read again inside the lock: another process may have migrated while this one waited.
    const start = readSchemaVersion(database)
    if (start > accountsSchemaVersion) throw new AccountsVersionError(start, accountsSchemaVersion)
    database.exec('CREATE TABLE IF NOT EXISTS account_schema (version INTEGER NOT NULL) STRICT')
    for (const step of migrations.slice(start)) database.exec(step)
    database.exec('DELETE FROM account_schema')
    database.prepare('INSERT INTO account_schema (version) VALUES (?)').run(accountsSchemaVersion)
    database.exec('COMMIT')
    return accountsSchemaVersion - start
  } catch (fault) {
    rollBack(database)
    throw fault
  }
}
