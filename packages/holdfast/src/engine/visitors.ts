/** The bound on visitors, held by each sweep: a flood of them takes no room from those who sign in. */
import type { Cursor, SessionId } from '../store/store.ts'
import { eventLoopTurn } from './clock.ts'
import { type Core, forget, nowOf, read, write } from './core.ts'

const pageSize = 1000
/** A round is bounded; what is left goes in the next. */
const mostEvicted = 10_000
/** Revocations under way at once. */
const batch = 64

/** Ids of the live visitors beyond the bound, the oldest first. A store lists the newest first. */
async function beyondBound(core: Core): Promise<SessionId[]> {
  const liveAt = nowOf(core)
  const beyond: SessionId[] = []
  let spared = core.settings.anonymousMost
  let after: Cursor | undefined
  do {
    const query = { subject: null, liveAt, limit: pageSize, ...(after === undefined ? {} : { after }) }
    const { items, next } = await read(core, () => core.store.list(query))
    for (const { id } of items.slice(spared)) beyond.push(id)
    spared = Math.max(0, spared - items.length)
    after = next
    // A store in this process answers at once: without a turn in between, requests would wait for the whole walk.
    if (after !== undefined) await eventLoopTurn()
  } while (after !== undefined)
  return beyond.reverse().slice(0, mostEvicted)
}

async function evict(core: Core, id: SessionId): Promise<void> {
  const revocation = { at: nowOf(core), reason: 'evicted' } as const
  const { ids } = await write(core, () => core.store.revoke({ id }, revocation))
  forget(core, ids)
  for (const session of ids) {
    core.connections.end(session, { cause: 'revoked', reason: 'evicted' })
    core.events.emit({ kind: 'session_evicted', session, subject: null, reason: 'evicted' })
  }
}

/** Several nodes may do this at once: each session is ended, and told of, once. Throws what the store throws. */
export async function evictVisitors(core: Core): Promise<void> {
  const beyond = await beyondBound(core)
  for (let start = 0; start < beyond.length; start += batch) {
    await Promise.all(beyond.slice(start, start + batch).map((id) => evict(core, id)))
    await eventLoopTurn()
  }
}
