/** What can be known of an SQLite file without changing it. */
import { accessSync, closeSync, constants, existsSync, openSync, readSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileProblem } from '../config/config.ts'

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
const busyTimeoutMs = 5000

/** Reads a database without changing it. */
export function readingDatabase<T>(path: string, read: (database: DatabaseSync) => T): T {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
    return read(database)
  } finally {
    database.close()
  }
}

export function isEmpty(path: string): boolean {
  return !existsSync(path) || statSync(path).size === 0
}

/** What one file is asked for: `version` reads that of the schema of `what`, of which this program knows up to `known`. */
export interface FileUse {
  readonly path: string
  readonly what: 'sessions' | 'accounts'
  readonly known: number
  readonly version: (database: DatabaseSync) => number
}

/** 0 when there is none. */
export function versionIn({ path, version }: FileUse): number {
  return isEmpty(path) ? 0 : readingDatabase(path, version)
}

/** Why the file cannot be used; `undefined` when it can. The folder `dataFolder` may be missing: the server makes it. */
export function useProblem(use: FileUse, dataFolder: string): string | undefined {
  const { path, what, known } = use
  const problem = databaseProblem(path, dataFolder)
  if (problem !== undefined) return problem
  try {
    const found = versionIn(use)
    if (found <= known) return undefined
    return `${path} holds ${what} of schema version ${found}, made by a newer version; this one knows up to ${known}`
  } catch (fault) {
    return `${path} cannot be read: ${fault instanceof Error ? fault.message : 'unknown fault'}`
  }
}
