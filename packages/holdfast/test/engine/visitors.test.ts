/** The bound on visitors: each sweep ends those beyond it, the oldest first, and nobody who is signed in. */
import { afterAll, describe, expect, it } from 'vitest'
import type { Issued } from '../../src/engine/session.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { sqliteStore } from '../../src/store/sqlite.ts'
import { temporaryFolder } from '../store/folder.ts'
import { outcome, type Started, second, start } from './support/start.ts'
import { failingStore, remoteFeed, wrapStore } from './support/stores.ts'

const folder = temporaryFolder()
afterAll(() => folder.remove())

let files = 0
const newFile = () => {
  files += 1
  return folder.file(`${files}.db`)
}

/** One a second, so that their order is known. */
async function visitors({ engine, clock }: Started, count: number): Promise<Issued[]> {
  const issued: Issued[] = []
  for (let at = 0; at < count; at += 1) {
    issued.push(await engine.issueAnonymous())
    clock.advance(second)
  }
  return issued
}

const evictionsOf = ({ events }: Started) => events.filter(({ kind }) => kind === 'session_evicted').map(({ session }) => session)
const outcomes = (started: Started, issued: readonly Issued[]) => Promise.all(issued.map((one) => outcome(started, one)))

describe.each([
  ['memory', () => memoryStore()],
  ['SQLite', () => sqliteStore(newFile())],
])('visitors on %s', (_, openStore) => {
  it('are kept up to the bound by a sweep; the oldest go first, and no user goes', async () => {
    const started = start({ store: openStore(), anonymousMost: 3 })
    const user = await started.engine.issue({ subject: 'alice' })
    const all = await visitors(started, 5)
    const ended: unknown[] = []
    started.engine.attach((all[0] as Issued).session, (end) => ended.push(end))
    expect(new Set(await outcomes(started, all))).toEqual(new Set(['live']))
    await started.engine.sweep()
    expect(await outcomes(started, all)).toEqual(['evicted', 'evicted', 'live', 'live', 'live'])
    expect(await outcome(started, user)).toBe('live')
    expect(ended).toEqual([{ cause: 'revoked', reason: 'evicted' }])
    expect(evictionsOf(started)).toEqual(all.slice(0, 2).map(({ session }) => session.id))
  })

  it('are kept up to the bound also where they are more than a page of a list', async () => {
    const started = start({ store: openStore(), anonymousMost: 1500 })
    const all: Issued[] = []
    for (let at = 0; at < 2600; at += 1) {
      all.push(await started.engine.issueAnonymous())
      started.clock.advance(1)
    }
    await started.engine.sweep()
    expect(evictionsOf(started)).toEqual(all.slice(0, 1100).map(({ session }) => session.id))
    expect(await outcome(started, all.at(-1) as Issued)).toBe('live')
    expect(await outcome(started, all[0] as Issued)).toBe('evicted')
  })
})

describe('the bound on visitors', () => {
  it('ends each once, however many nodes sweep at the same time', async () => {
    const path = newFile()
    const one = start({ store: sqliteStore(path), anonymousMost: 2 })
    const other = start({ store: sqliteStore(path), anonymousMost: 2, clock: one.clock })
    const all = await visitors(one, 8)
    await Promise.all([one.engine.sweep(), other.engine.sweep()])
    expect([one, other].flatMap(evictionsOf).sort()).toEqual(
      all
        .slice(0, 6)
        .map(({ session }) => session.id)
        .sort(),
    )
  })

  it('closes what they had open at once, although the store tells of no change', async () => {
    const started = start({ store: wrapStore(memoryStore(), (_, run) => run(), remoteFeed(undefined)), anonymousMost: 1 })
    const [oldest] = await visitors(started, 2)
    const ended: unknown[] = []
    started.engine.attach((oldest as Issued).session, (end) => ended.push(end))
    await started.engine.sweep()
    expect(ended).toEqual([{ cause: 'revoked', reason: 'evicted' }])
  })

  it('is held by the next sweep when a fault came in between, and never by ending more', async () => {
    const failing = failingStore(memoryStore())
    const started = start({ store: failing.store, anonymousMost: 2 })
    const all = await visitors(started, 6)
    failing.failing = new Set(['revoke'])
    await expect(started.engine.sweep()).rejects.toMatchObject({ code: 'store-unavailable' })
    failing.recover()
    expect(new Set(await outcomes(started, all))).toEqual(new Set(['live']))
    started.clock.advance(second)
    await started.engine.sweep()
    expect(await outcomes(started, all)).toEqual(['evicted', 'evicted', 'evicted', 'evicted', 'live', 'live'])
  })
})
