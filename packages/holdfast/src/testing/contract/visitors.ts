/** The bound on visitors, which the sweeps of every node hold by lists and revocations: here by engines over the stores. */
import assert from 'node:assert/strict'
import type { EngineApi } from '../../engine/api.ts'
import { createEngine } from '../../engine/engine.ts'
import { parseEngineOptions } from '../../engine/options.ts'
import type { Attributes, SessionId, Store } from '../../store/store.ts'
import { type FakeClock, fakeClock } from '../clock.ts'
import { seededRandom } from '../random.ts'
import { type Checks, everyRecord, liveIds, start } from './check.ts'

const most = 3

function nodeOn(store: Store, clock: FakeClock, seed: number): EngineApi {
  const settings = parseEngineOptions<Attributes>(
    { secret: 'Zt6Wm1Qx9Vb4Nc8Rl3Kj7Hg2Fd5Sa0Pe', store, clock, random: seededRandom(seed), anonymousMost: most },
    ({ field, message }) => assert.fail(`${field} ${message}`),
  )
  return createEngine<Attributes>(settings, store)
}

export const visitorChecks: Checks = {
  'are ended beyond the bound, the oldest first and each once, by nodes that sweep at once; no user is': async ({
    store,
    all,
  }) => {
    const clock = fakeClock(start)
    const nodes = all.map((each, seed) => nodeOn(each, clock, seed))
    const ended: (SessionId | null | undefined)[] = []
    for (const node of nodes) node.on(({ kind, session }) => kind === 'session_evicted' && ended.push(session))
    const issued: SessionId[] = []
    for (let number = 0; number < 4 * most; number += 1) {
      const node = nodes[number % nodes.length] as EngineApi
      // One user among them, older than any that stays.
      const { session } = number === 1 ? await node.issue({ subject: 'alice' }) : await node.issueAnonymous()
      issued.push(session.id)
      clock.advance(1)
    }
    await Promise.all(nodes.map((node) => node.sweep()))
    for (const node of nodes) await node.close()
    const isSpared = (_: SessionId, number: number) => number === 1 || number >= issued.length - most
    assert.deepEqual(liveIds(await everyRecord(store), clock.now()), issued.filter(isSpared).sort())
    assert.deepEqual(ended.sort(), issued.filter((id, number) => !isSpared(id, number)).sort())
  },
}
