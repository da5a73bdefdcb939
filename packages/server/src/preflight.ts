/** What can be known to fail before anything is created: asked before the start, and by `doctor`. */
import { accessSync, closeSync, constants, existsSync, openSync, readSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sqliteSchemaVersion } from 'holdfast/store/sqlite'
import { accountsSchemaVersion, readSchemaVersion } from './accounts/sqlite-schema.ts'
import { type Config, fileProblem } from './config/config.ts'
import type { Problem } from './config/consistency.ts'
import { variables } from './config/variables.ts'

const magic = 'SQLite format 3\0'

function isSqliteFile(path: string): boolean {
  const file = openSync(path, 'r')
  try {
    const start = Buffer.alloc(magic.length)
    const length = readSync(file, start, 0, magic.length, 0)
    return length === 0 || start.toString('latin1') === magic
  } finally {
    closeSync(file)
  }
}

/** Whether a folder can be written to, or can be made when it is the server's own. */
function folderProblem(folder: string, dataFolder: string): string | undefined {
  const target = !existsSync(folder) && folder === dataFolder ? dirname(folder) : folder
  try {
    if (!statSync(target).isDirectory()) return `folder ${target} is a file`
    accessSync(target, constants.W_OK | constants.X_OK)
    return undefined
  } catch (fault) {
    return `folder ${target} ${fileProblem(fault)}`
  }
}

function databaseProblem(path: string, dataFolder: string): string | undefined {
  if (!existsSync(path)) return folderProblem(dirname(path), dataFolder)
  try {
    if (!statSync(path).isFile()) return `${path} is not a file`
    accessSync(path, constants.R_OK | constants.W_OK)
    // The write-ahead log lies beside the file.
    return isSqliteFile(path) ? folderProblem(dirname(path), dataFolder) : `${path} is not an SQLite database`
  } catch (fault) {
    return `${path} ${fileProblem(fault)}`
  }
}

/** Another process that starts at the same time may be making the tables. */
const patienceMs = 5000

/** Reads a database without changing it. */
export function readingDatabase<T>(path: string, read: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    database.exec(`PRAGMA busy_timeout = ${patienceMs}`)
    return read(database)
  } finally {
    database.close()
  }
}

/** Schema version of the sessions in a file, read without changing it; 0 when it has none. */
export function sessionsVersion(path: string): number {
  return readingDatabase(path, (database) => Number(database.prepare('PRAGMA user_version').get()?.user_version))
}

/** Schema version of the accounts in a file, read without changing it; 0 when it has none. */
export function accountsVersion(path: string): number {
  return readingDatabase(path, readSchemaVersion)
}

function newerThan(what: string, path: string, found: number, known: number): string | undefined {
  if (found <= known) return undefined
  return `${path} holds ${what} of schema version ${found}, made by a newer version; this one knows up to ${known}`
}

/** Schema problems of files that exist; what cannot be read is a problem too. */
function schemaProblems({ store, accounts }: Config): Problem[] {
  const checks: { readonly variable: string; readonly path: string; readonly check: () => string | undefined }[] = []
  if (store.kind === 'sqlite') {
    const check = () => newerThan('sessions', store.path, sessionsVersion(store.path), sqliteSchemaVersion)
    checks.push({ variable: variables.store.name, path: store.path, check })
  }
  const checkAccounts = () => newerThan('accounts', accounts.path, accountsVersion(accounts.path), accountsSchemaVersion)
  checks.push({ variable: variables.accounts.name, path: accounts.path, check: checkAccounts })
  return checks.flatMap(({ variable, path, check }) => {
    if (!existsSync(path) || statSync(path).size === 0) return []
    try {
      const message = check()
      return message === undefined ? [] : [{ variable, message }]
    } catch (fault) {
      return [{ variable, message: `${path} cannot be read: ${fault instanceof Error ? fault.message : 'unknown fault'}` }]
    }
  })
}

/** Problems of the places where the configuration keeps things. Creates nothing. */
export function storageProblems(config: Config): Problem[] {
  const places: (readonly [string, string])[] = [[variables.accounts.name, config.accounts.path]]
  if (config.store.kind === 'sqlite' && config.store.path !== config.accounts.path) {
    places.unshift([variables.store.name, config.store.path])
  }
  if (config.store.kind === 'sqlite' && config.store.path === config.accounts.path) {
    places[0] = [variables.store.name, config.store.path]
  }
  const found = places.flatMap(([variable, path]) => {
    const message = databaseProblem(path, config.dataFolder)
    return message === undefined ? [] : [{ variable, message }]
  })
  return found.length > 0 ? found : schemaProblems(config)
}

const listenProblems: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another program',
  EACCES: 'may not be listened on by this user',
  EADDRNOTAVAIL: 'is no address of this machine',
  ENOTFOUND: 'is no address of this machine',
}

/** What a failed `listen` means; `undefined` when it is not about the address. */
export function listenProblem(fault: unknown, host: string, port: number): Problem | undefined {
  const code = fault instanceof Error && 'code' in fault ? String(fault.code) : ''
  const message = listenProblems[code]
  if (message === undefined) return undefined
  const aboutHost = code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND'
  return aboutHost
    ? { variable: variables.host.name, message: `${host} ${message}` }
    : { variable: variables.port.name, message: `${port} ${message}` }
}

/** Whether the port is free: taken and given back, before anything is created. */
export async function portProblems({ host, port }: Config): Promise<Problem[]> {
  const probe = createServer()
  return new Promise((resolve) => {
    probe.once('error', (fault) => {
      resolve([listenProblem(fault, host, port) ?? { variable: variables.port.name, message: `${port} cannot be listened on` }])
    })
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve([])))
  })
}

export async function preflight(config: Config): Promise<Problem[]> {
  return [...(await portProblems(config)), ...storageProblems(config)]
}
