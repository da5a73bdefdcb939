/** A database file for each test, and stores on it that are closed when the test ends. */
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach } from 'vitest'
import { type SqliteStoreOptions, sqliteStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { temporaryFolder } from './folder.ts'

export interface DatabaseFile {
  readonly path: string
  /** The path of another file of the same folder. */
  beside(name: string): string
  open(options?: Partial<SqliteStoreOptions>): Store
  /** The file, or another one, as another program sees it. */
  raw(file?: string): DatabaseSync
  /** Has `close` called when the test ends. */
  closing<T extends { close(): unknown }>(each: T): T
  /** Closes all and starts again with a new folder. */
  renew(): Promise<void>
}

/** Declares the hooks of the file's tests. */
export function useDatabaseFile(): DatabaseFile {
  let folder = temporaryFolder()
  let opened: { close(): unknown }[] = []
  async function clear(): Promise<void> {
    for (const each of opened) await each.close()
    opened = []
    folder.remove()
  }
  const file: DatabaseFile = {
    get path() {
      return folder.file('store.db')
    },
    beside: (name) => folder.file(name),
    open: (options) => {
      const store = sqliteStore({ path: file.path, ...options })
      opened.push({ close: () => store[Symbol.asyncDispose]?.() })
      return store
    },
    raw: (other = file.path) => {
      const database = new DatabaseSync(other)
      opened.push({ close: () => (database.isOpen ? database.close() : undefined) })
      return database
    },
    closing: (each) => {
      opened.push(each)
      return each
    },
    renew: async () => {
      await clear()
      folder = temporaryFolder()
    },
  }
  folder.remove()
  beforeEach(() => {
    folder = temporaryFolder()
  })
  afterEach(clear)
  return file
}
