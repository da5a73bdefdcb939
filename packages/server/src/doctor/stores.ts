/** Checks of the databases: that they open, are whole, and have the schema of this version. Changes nothing. */
import { existsSync, statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { inspectSqlite } from 'holdfast/store/sqlite'
import { accountsSchemaVersion, readSchemaVersion } from '../accounts/sqlite-schema.ts'
import type { Config } from '../config/config.ts'
import { readingDatabase, storageProblems } from '../preflight.ts'
import { type Finding, failed, ok, warning } from './finding.ts'

const notYet = 'is not there yet; the first start makes it'

function isMissing(path: string): boolean {
  return !existsSync(path) || statSync(path).size === 0
}

function checkVersion(check: string, found: number, expected: number): Finding {
  if (found > expected) return failed(check, `schema version ${found} is newer than ${expected}, the newest this version knows`)
  if (found < expected) return warning(check, `schema version ${found}; the next start or \`migrate\` brings it to ${expected}`)
  return ok(check, `schema version ${found}`)
}

function checkSessions(path: string): Finding[] {
  if (isMissing(path)) return [ok('sessions', `${path} ${notYet}`)]
  const { schemaVersion, expectedVersion, journalMode, integrity } = inspectSqlite(path)
  return [
    checkVersion('sessions: schema', schemaVersion, expectedVersion),
    integrity === 'ok' ? ok('sessions: integrity', 'ok') : failed('sessions: integrity', integrity),
    journalMode === 'wal'
      ? ok('sessions: journal', 'wal')
      : failed('sessions: journal', `${journalMode}; several processes need wal, which some file systems lack`),
  ]
}

function checkAdministrators(database: DatabaseSync): Finding {
  const row = database.prepare("SELECT count(*) AS count FROM accounts WHERE role = 'admin' AND disabled = 0").get()
  const count = Number(row?.count)
  return count === 0
    ? warning('accounts: administrators', 'none yet; the set-up link is open at each start until there is one')
    : ok('accounts: administrators', String(count))
}

function checkAccounts(path: string): Finding[] {
  if (isMissing(path)) return [ok('accounts', `${path} ${notYet}`)]
  return readingDatabase(path, (database) => {
    const version = readSchemaVersion(database)
    const findings = [checkVersion('accounts: schema', version, accountsSchemaVersion)]
    return version === 0 ? findings : [...findings, checkAdministrators(database)]
  })
}

function guarded(check: string, run: () => Finding[]): Finding[] {
  try {
    return run()
  } catch (fault) {
    return [failed(check, fault instanceof Error ? fault.message : 'cannot be read')]
  }
}

export function checkStores(config: Config): Finding[] {
  const { store, accounts } = config
  const problems = storageProblems(config)
  if (problems.length > 0) return problems.map(({ variable, message }) => failed('storage', `${variable}: ${message}`))
  const sessions =
    store.kind === 'sqlite'
      ? guarded('sessions', () => checkSessions(store.path))
      : [warning('sessions', 'are kept in memory: a restart ends them all')]
  return [...sessions, ...guarded('accounts', () => checkAccounts(accounts.path))]
}
