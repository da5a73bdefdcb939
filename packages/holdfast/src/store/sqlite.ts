/**
 * Everything in one SQLite file, through `node:sqlite`: the embedded default. Several processes of one machine
 * may share the file; not over a network file system, whose locks do not hold.
 *
 * When a call returns, a revocation, a denial, a replaced secret and a spent ticket are on disk; a touch, a count and
 * an event survive a crash of the process, and a power failure may lose the latest. A locked database, a full disk
 * and a damaged row are thrown, and leave what is stored as it was.
 */
import { checkOptions } from './arguments.ts'
import { ChangeListeners } from './changes.ts'
import { SqliteApiKeys } from './sqlite-api-keys.ts'
import { Connection } from './sqlite-connection.ts'
import { SqliteCounters } from './sqlite-counters.ts'
import { SqliteDenylist } from './sqlite-denylist.ts'
import { SqliteEventLog } from './sqlite-event-log.ts'
import { openDatabase } from './sqlite-open.ts'
import { SqliteSessions } from './sqlite-sessions.ts'
import { SqliteTickets } from './sqlite-tickets.ts'
import type { ChangeFeed, Store } from './store.ts'

export { StoreOpenError, type StoreOpenProblem } from './sqlite-errors.ts'
export { inspectSqlite, type SqliteReport } from './sqlite-inspect.ts'
export { expectedVersion as sqliteSchemaVersion } from './sqlite-schema.ts'

export interface SqliteStoreOptions {
  readonly path: string
  /** Creates the folder of the file, and those above it, for this user only. Default false: a missing one is an error. */
  readonly createFolder?: boolean
  /** How long a call waits for another process's write lock, 0 to 250 ms, blocking this one. Default 250. */
  readonly busyTimeout?: number
  /** Most bytes of the database file, its side files not counted; 1 MiB or more. Beyond it, as on a full disk, writes throw. */
  readonly maxBytes?: number
}

const fileOptions = { createFolder: 'flag', busyTimeout: 'number', maxBytes: 'number' } as const

/**
 * Opens the file, creates it (mode 0600) or brings its schema up to date. Throws a `StoreOpenError` when it cannot
 * be used, having changed nothing, a `RangeError` for an option out of range, and a `TypeError` for a name that is none or a value of
 * another type. Options may also follow the path.
 */
export function sqliteStore(file: string | SqliteStoreOptions, options: Omit<SqliteStoreOptions, 'path'> = {}): Store {
  checkOptions(options, fileOptions)
  const given: SqliteStoreOptions = typeof file === 'string' ? { path: file } : file
  checkOptions(given, { path: 'text', ...fileOptions })
  const { path, createFolder = false, busyTimeout = 250, maxBytes } = { ...given, ...options }
  if (path === undefined) throw new TypeError('path must be the path of a file, as text')
  if (!(busyTimeout >= 0 && busyTimeout <= 250)) throw new RangeError('busyTimeout must be from 0 to 250')
  if (maxBytes !== undefined && !(maxBytes >= 2 ** 20)) throw new RangeError('maxBytes must be 1048576 or more')
  const connection = new Connection(openDatabase({ path, createFolder, busyTimeout, maxBytes }))
  const listeners = new ChangeListeners()
  const sessions = new SqliteSessions(connection, listeners)
  return {
    tickets: new SqliteTickets(connection),
    counters: new SqliteCounters(connection),
    denylist: new SqliteDenylist(connection),
    apiKeys: new SqliteApiKeys(connection),
    eventLog: new SqliteEventLog(connection),
    changes: changeFeed(connection, listeners),
    insert: (record, cap) => sessions.insert(record, cap),
    get: (id) => sessions.get(id),
    replace: (next, revision) => sessions.replace(next, revision),
    touch: (sightings) => sessions.touch(sightings),
    list: (query) => sessions.list(query),
    revoke: (target, revocation) => sessions.revoke(target, revocation),
    sweep: (query) => sessions.sweep(query),
    async [Symbol.asyncDispose]() {
      connection.close()
    },
  }
}

/** Own changes are told as they happen; `data_version` moves when any other connection has committed one. */
function changeFeed(connection: Connection, listeners: ChangeListeners): ChangeFeed {
  const dataVersion = connection.prepare('PRAGMA data_version')
  let known = dataVersion.get()?.[0]
  return {
    subscribe: (listener) => listeners.subscribe(listener),
    confirm() {
      const current = dataVersion.get()?.[0]
      if (current === known) return true
      known = current
      listeners.tell(undefined)
      return true
    },
  }
}
