/** Sessions that end with the process. */
import { memoryStore } from 'holdfast/store/memory'
import { warning } from '../doctor/finding.ts'
import type { OpenedStore, Place } from './place.ts'

export const memorySessions: Place<OpenedStore> = {
  problems: async () => [],
  async open() {
    const store = memoryStore()
    return { store, close: async () => store[Symbol.asyncDispose]?.() }
  },
  schemaVersion: async () => undefined,
  examine: async () => [warning('sessions', 'are kept in memory: a restart ends them all')],
}
