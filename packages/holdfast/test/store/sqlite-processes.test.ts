import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inspectSqlite, sqliteStore } from '../../src/store/sqlite.ts'
import { everyRecord, liveIds, sample, sampleId } from '../../src/testing/contract/check.ts'
import { seededRandom } from '../../src/testing/index.ts'
import { type Folder, temporaryFolder } from './folder.ts'
import { startWorker, withWorkers } from './processes.ts'

const now = sample(0).createdAt
let folder: Folder
let path: string

beforeEach(() => {
  folder = temporaryFolder()
  path = folder.file('store.db')
})
afterEach(() => folder.remove())

describe('several processes on one file', () => {
  it('create it together, once', async () => {
    await withWorkers(path, 8, async (workers) => {
      expect(workers).toHaveLength(8)
    })
    expect(inspectSqlite(path)).toMatchObject({ schemaVersion: 2, journalMode: 'wal', integrity: 'ok' })
  })

  it('keep a cap of five among 64 simultaneous sign-ins', async () => {
    const cap = { max: 5, now, whenFull: 'evict-oldest' } as const
    await withWorkers(path, 4, async (workers) => {
      const reports = await Promise.all(
        workers.map((worker, at) => worker.order({ do: 'insert', from: at * 16, count: 16, cap })),
      )
      const evicted = reports.flatMap(({ ids = [] }) => ids)
      expect(new Set(evicted).size).toBe(59)
      expect(evicted).toHaveLength(59)
    })
    const store = sqliteStore(path)
    expect(liveIds(await everyRecord(store), now)).toHaveLength(5)
    await store[Symbol.asyncDispose]?.()
  })

  it('let one of 64 callers replace a record, and share a revocation', async () => {
    const store = sqliteStore(path)
    for (let number = 0; number < 20; number += 1) await store.insert(sample(number))
    await withWorkers(path, 4, async (workers) => {
      const replaced = await Promise.all(workers.map((worker) => worker.order({ do: 'replace', next: sample(1), count: 16 })))
      expect(replaced.reduce((sum, { wins = 0 }) => sum + wins, 0)).toBe(1)
      const revoked = await Promise.all(workers.map((worker) => worker.order({ do: 'revoke', subject: 'alice' })))
      expect(revoked.flatMap(({ ids = [] }) => ids).sort()).toEqual(
        Array.from({ length: 20 }, (_, number) => sampleId(number)).sort(),
      )
    })
    await store[Symbol.asyncDispose]?.()
  })

  it('learn of each other by the next confirmation', async () => {
    const store = sqliteStore(path)
    const told: unknown[] = []
    store.changes?.subscribe((ids) => told.push(ids))
    await store.insert(sample(1))
    await withWorkers(path, 1, async ([worker]) => {
      expect(store.changes?.confirm(now, 0)).toBe(true)
      told.length = 0
      expect(store.changes?.confirm(now, 0)).toBe(true)
      expect(told).toEqual([])
      await worker?.order({ do: 'revoke', subject: 'alice' })
      expect(store.changes?.confirm(now, 0)).toBe(true)
      expect(told).toEqual([undefined])
      expect((await store.get(sampleId(1)))?.reason).toBe('logout')
    })
    await store[Symbol.asyncDispose]?.()
  })
})

describe('a process that is killed', () => {
  it('leaves the file whole, and every revocation that it was told of', async () => {
    const random = seededRandom(20)
    const byte = new Uint8Array(1)
    const revoked: string[] = []
    for (let kill = 0; kill < 20; kill += 1) {
      random(byte)
      const last = 1 + ((byte[0] ?? 0) % 12)
      const worker = await startWorker(path)
      await new Promise<void>((resolve) => {
        let count = 0
        worker.child.on('message', (message: { revoked?: string }) => {
          if (message.revoked === undefined) return
          revoked.push(message.revoked)
          count += 1
          if (count >= last) resolve()
        })
        worker.child.send({ do: 'churn', from: kill * 10_000 })
      })
      await worker.stop()
      expect(inspectSqlite(path).integrity).toBe('ok')
    }
    const store = sqliteStore(path)
    expect(revoked.length).toBeGreaterThanOrEqual(20)
    for (const id of revoked) expect((await store.get(id))?.reason, id).toBe('logout')
    for (const { label, revision } of await everyRecord(store)) expect(label === 'replaced').toBe(revision === 1)
    const events = await store.eventLog.read({ limit: 1000 })
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, at) => at + 1))
    await store[Symbol.asyncDispose]?.()
  })
})
