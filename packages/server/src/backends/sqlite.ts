/** Sessions and accounts in SQLite files, which may be one. */
import type { DatabaseSync } from 'node:sqlite'
import { inspectSqlite, sqliteSchemaVersion, sqliteStore } from 'holdfast/store/sqlite'
import { sqliteAccounts } from '../accounts/sqlite.ts'
import { accountsSchemaVersion, readSchemaVersion } from '../accounts/sqlite-schema.ts'
import type { AccountStore } from '../accounts/store.ts'
import type { SqliteBackend } from '../config/backend.ts'
import { checkAdministrators, checkVersion, type Finding, failed, ok } from '../doctor/finding.ts'
import type { OpenedStore, Place } from './place.ts'
import { type FileUse, isEmpty, readingDatabase, useProblem, versionIn } from './sqlite-file.ts'

const notYet = 'is not there yet; the first start makes it'

export function sqliteSessions({ path }: SqliteBackend, dataFolder: string): Place<OpenedStore> {
  const use: FileUse = {
    path,
    what: 'sessions',
    known: sqliteSchemaVersion,
    version: (database) => Number(database.prepare('PRAGMA user_version').get()?.user_version),
  }
  return {
    problems: async () => listed(useProblem(use, dataFolder)),
    async open() {
      const store = sqliteStore(path)
      return { store, close: async () => store[Symbol.asyncDispose]?.() }
    },
    schemaVersion: async () => versionIn(use),
    examine: async () => (isEmpty(path) ? [ok('sessions', `${path} ${notYet}`)] : examineSessions(path)),
  }
}

function examineSessions(path: string): Finding[] {
  const { schemaVersion, expectedVersion, journalMode, integrity } = inspectSqlite(path)
  return [
    checkVersion('sessions: schema', schemaVersion, expectedVersion),
    integrity === 'ok' ? ok('sessions: integrity', 'ok') : failed('sessions: integrity', integrity),
    journalMode === 'wal'
      ? ok('sessions: journal', 'wal')
      : failed('sessions: journal', `${journalMode}; several processes need wal, which some file systems lack`),
  ]
}

export function sqliteAccountsPlace({ path }: SqliteBackend, dataFolder: string): Place<AccountStore> {
  const use: FileUse = { path, what: 'accounts', known: accountsSchemaVersion, version: readSchemaVersion }
  return {
    problems: async () => listed(useProblem(use, dataFolder)),
    open: async () => sqliteAccounts(path),
    schemaVersion: async () => versionIn(use),
    examine: async () =>
      isEmpty(path) ? [ok('accounts', `${path} ${notYet}`)] : readingDatabase(path, (database) => examineAccounts(database)),
  }
}

function examineAccounts(database: DatabaseSync): Finding[] {
  const version = readSchemaVersion(database)
  const findings = [checkVersion('accounts: schema', version, accountsSchemaVersion)]
  if (version === 0) return findings
  const row = database.prepare("SELECT count(*) AS count FROM accounts WHERE role = 'admin' AND disabled = 0").get()
  return [...findings, checkAdministrators(Number(row?.count))]
}

function listed(problem: string | undefined): readonly string[] {
  return problem === undefined ? [] : [problem]
}
