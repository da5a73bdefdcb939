/** Nodes as an app has them: a client and a store each, closed at the end of the test. */
import { setTimeout as pause } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { type RedisStore, type RedisStoreOptions, redisStore } from '../../../src/store/redis.ts'
import type { ChangeFeed, SessionId } from '../../../src/store/store.ts'
import { type Connected, connect } from './clients.ts'

export interface Node {
  readonly store: RedisStore
  readonly feed: ChangeFeed
  /** What the feed told, since the node was opened. */
  readonly told: (readonly SessionId[] | undefined)[]
  heard(id: SessionId): boolean
}

export async function openNode(opening: Promise<Connected>, options: RedisStoreOptions = {}): Promise<Node> {
  const { client, close } = await opening
  const store = redisStore(client, { connect, ...options })
  onTestFinished(async () => {
    await store[Symbol.asyncDispose]()
    close()
  })
  const { changes: feed } = store
  if (feed === undefined) throw new Error('the store has no change feed')
  const told: Node['told'] = []
  feed.subscribe((ids) => told.push(ids))
  return { store, feed, told, heard: (id) => told.some((ids) => ids === undefined || ids.includes(id)) }
}

/** Asks the feed now and then, as an engine does, until it vouches for what came before `maxAge`. */
export async function whole(feed: ChangeFeed, maxAge = 1000): Promise<void> {
  await until('the feed is whole', () => feed.confirm(Date.now(), maxAge))
}

/** Resolves once `done` holds; what throws does not. Returns the milliseconds it took. */
export async function until(what: string, done: () => unknown, patience = 20_000): Promise<number> {
  const start = performance.now()
  while (performance.now() - start < patience) {
    try {
      if (await done()) return performance.now() - start
    } catch {
      // Not yet.
    }
    await pause(5)
  }
  throw new Error(`never happened: ${what}`)
}
