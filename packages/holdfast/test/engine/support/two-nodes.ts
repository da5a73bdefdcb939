/** Two nodes on one store, the first behind calls and a feed that wait until a test says so. */
import { memoryStore } from '../../../src/store/memory.ts'
import { firefox, start } from './start.ts'
import { holdingStore, remoteFeed } from './stores.ts'

/** A node on an asynchronous store whose feed tells when a test says so, another beside it, and a session. */
export async function twoNodes(options: Parameters<typeof start>[0] = {}) {
  const inner = memoryStore()
  const feed = remoteFeed(inner.changes)
  const holding = holdingStore(inner, feed)
  const here = start({ store: holding.store, maxStaleness: '1s', ...options })
  const there = start({ store: inner, clock: here.clock, seed: 2 })
  const issued = await there.engine.issue({ subject: 'alice', context: firefox })
  const gets = () => holding.calls.filter((method) => method === 'get').length
  return { ...here, here, there, feed, holding, issued, id: issued.session.id, gets }
}
