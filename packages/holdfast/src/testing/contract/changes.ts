/** The feed of changes, for stores that have one. */
import assert from 'node:assert/strict'
import type { SessionId, Store } from '../../store/store.ts'
import { type Checks, confirmUntil, minute, type Stage, sample, sampleId, start } from './check.ts'

interface Ear {
  heard(id: SessionId): boolean
  /** Confirms until it has heard of the record. */
  hears(id: SessionId): Promise<boolean>
  forget(): void
  stop(): void
}

function listen(store: Store): Ear | undefined {
  const feed = store.changes
  if (feed === undefined) return undefined
  let told: (readonly SessionId[] | undefined)[] = []
  const stop = feed.subscribe((ids) => told.push(ids))
  const heard = (id: SessionId) => told.some((ids) => ids === undefined || ids.includes(id))
  return {
    heard,
    hears: (id) => confirmUntil(feed, () => heard(id)),
    forget: () => {
      told = []
    },
    stop,
  }
}

/** Makes a change and expects every store to tell of it. */
async function expectTold({ all }: Stage, id: SessionId, change: () => unknown): Promise<void> {
  const ears = all.flatMap((each) => listen(each) ?? [])
  await change()
  for (const ear of ears) assert.equal(await ear.hears(id), true, `nobody was told of ${id}`)
  for (const ear of ears) ear.stop()
}

const at = start + minute

export const changeChecks: Checks = {
  'tells of a replaced record': async (stage) => {
    await stage.store.insert(sample(1))
    await expectTold(stage, sampleId(1), () => stage.store.replace(sample(1), 0))
  },
  'tells of a revoked record, by id and by subject': async (stage) => {
    for (const number of [1, 2]) await stage.store.insert(sample(number))
    await expectTold(stage, sampleId(1), () => stage.store.revoke({ id: sampleId(1) }, { at, reason: 'logout' }))
    await expectTold(stage, sampleId(2), () => stage.store.revoke({ subject: 'alice' }, { at, reason: 'admin' }))
  },
  'tells of evicted and of replaced sessions': async (stage) => {
    for (const number of [1, 2]) await stage.store.insert(sample(number))
    const cap = { max: 2, now: at, whenFull: 'evict-oldest' } as const
    await expectTold(stage, sampleId(1), () => stage.store.insert(sample(3), cap))
    await expectTold(stage, sampleId(2), () => stage.store.insert(sample(4), { ...cap, replaces: sampleId(2) }))
  },
  'tells of swept records': async (stage) => {
    await stage.store.insert(sample(1, { idleExpiresAt: at }))
    await expectTold(stage, sampleId(1), () => stage.store.sweep({ endedBefore: at, anonymousEndedBefore: at, limit: 10 }))
  },
  'tells when everyone was put out': async (stage) => {
    await stage.store.insert(sample(1))
    await expectTold(stage, sampleId(1), () => stage.store.revoke({ everyone: true }, { at, reason: 'everyone-out' }))
  },
  'tells nothing to a listener that has left': async ({ store }) => {
    const ear = listen(store)
    const other = listen(store)
    if (ear === undefined || other === undefined) return
    await store.insert(sample(1))
    ear.forget()
    ear.stop()
    await store.revoke({ id: sampleId(1) }, { at, reason: 'logout' })
    assert.equal(await other.hears(sampleId(1)), true)
    assert.equal(ear.heard(sampleId(1)), false)
    other.stop()
  },
}
