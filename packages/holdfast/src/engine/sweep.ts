/** Deleting what has ended and served its time. Housekeeping only: nothing is live or dead because of it. */
import type { SessionStore, Store } from '../store/store.ts'
import { eventLoopTurn } from './clock.ts'
import { type Core, nowOf, write } from './core.ts'
import { jittered } from './jitter.ts'
import { evictVisitors } from './visitors.ts'

const batch = 500
/** A round is bounded; what is left goes in the next. */
const mostBatches = 200

/** Ended anonymous sessions are kept no longer than this: there is nobody to tell why. */
const anonymousRetention = 5 * 60_000

function hasCompanions(store: SessionStore): store is Store {
  return 'tickets' in store && 'counters' in store
}

export async function sweep(core: Core): Promise<number> {
  const { retention } = core.settings
  const now = nowOf(core)
  const query = {
    endedBefore: now - retention,
    anonymousEndedBefore: now - Math.min(retention, anonymousRetention),
    limit: batch,
  }
  const { store } = core
  const swept = await inBatches(core, () => store.sweep(query))
  if (hasCompanions(store)) {
    await inBatches(core, () => store.tickets.sweep(now, batch))
    await inBatches(core, () => store.counters.sweep(now, batch))
  }
  await evictVisitors(core)
  return swept
}

async function inBatches(core: Core, run: () => number | Promise<number>): Promise<number> {
  let total = 0
  for (let round = 0; round < mostBatches; round += 1) {
    const count = await write(core, run)
    total += count
    if (count < batch) break
    // A store in this process answers at once: without a turn in between, requests would wait for the whole sweep.
    await eventLoopTurn()
  }
  return total
}

/** Sweeps at every interval until stopped. The first is jittered: nodes that start together do not sweep together. */
export function sweepRegularly(core: Core): () => void {
  const { clock, random, sweepEvery, onFault } = core.settings
  let cancel = clock.after(jittered(random, sweepEvery, 0.5), run)
  let stopped = false
  function run(): void {
    sweep(core)
      .catch((fault: unknown) => onFault(fault, 'sweeping ended sessions'))
      .finally(() => {
        if (!stopped) cancel = clock.after(sweepEvery, run)
      })
  }
  return () => {
    stopped = true
    cancel()
  }
}
