/** On PostgreSQL and on a Redis Cluster the same runs beside the tests of those stores. */
import { describe } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import { sqliteStore } from '../../src/store/sqlite.ts'
import { temporaryFolder } from '../store/folder.ts'
import { refreshRaces } from './support/refresh-race.ts'

describe('on the memory store', () => {
  refreshRaces(async () => {
    const store = memoryStore()
    return { open: async () => store, close: async () => undefined }
  })
})

describe('on one SQLite file', () => {
  refreshRaces(async () => {
    const folder = temporaryFolder()
    const opened: ReturnType<typeof sqliteStore>[] = []
    return {
      async open() {
        const store = sqliteStore(folder.file('race.db'))
        opened.push(store)
        return store
      },
      async close() {
        for (const store of opened) await store[Symbol.asyncDispose]?.()
        folder.remove()
      },
    }
  })
})
