import { describe, it } from 'vitest'
import { sqliteStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { storeContract } from '../../src/testing/index.ts'
import { temporaryFolder } from './folder.ts'

function open(count: number): { stores: [Store, ...Store[]]; close: () => Promise<void> } {
  const folder = temporaryFolder()
  const stores = Array.from({ length: count }, () => sqliteStore(folder.file('store.db'))) as [Store, ...Store[]]
  return {
    stores,
    close: async () => {
      for (const store of stores) await store[Symbol.asyncDispose]?.()
      folder.remove()
    },
  }
}

describe('the SQLite store keeps the contract', () => {
  describe('alone on a file', () => storeContract({ describe, it }, () => open(1)))
  describe('with three stores on one file', () => storeContract({ describe, it }, () => open(3)))
})
