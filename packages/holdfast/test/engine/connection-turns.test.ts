/** Many connections at once: requests have their turn while they are looked after. */
import { expect, it } from 'vitest'
import type { LiveConnection } from '../../src/engine/api.ts'
import { perTurn } from '../../src/engine/turns.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { must, settle, start } from './support/start.ts'
import { remoteFeed, wrapStore } from './support/stores.ts'

const many = perTurn * 3

async function withMany() {
  const inner = memoryStore()
  const feed = remoteFeed(inner.changes)
  let gets = 0
  const store = wrapStore(
    inner,
    (method, run) => {
      if (method === 'get') gets += 1
      return run()
    },
    feed,
  )
  const started = start({ store, sessionsPerSubject: 'unlimited' })
  const closed: string[] = []
  const connections: LiveConnection[] = []
  let onClose = (): void => undefined
  for (let at = 0; at < many; at += 1) {
    const { session } = await started.engine.issue({ subject: 'alice' })
    connections.push(
      started.engine.connect(session, ({ cause }) => {
        closed.push(cause)
        onClose()
      }),
    )
  }
  await settle()
  feed.deliver()
  await settle()
  return {
    ...started,
    store,
    feed,
    closed,
    connections,
    gets: () => gets,
    onClose: (run: () => void) => {
      onClose = run
    },
  }
}

it.each(['everyone-out', 'close()'] as const)(
  '%s serves none from then on, and closes some of them in each turn',
  async (how) => {
    const { engine, closed, connections, onClose } = await withMany()
    const last = must(connections.at(-1))
    let served: unknown
    let afterTurn = 0
    onClose(() => {
      if (closed.length > 1) return
      served = last.check()
      setImmediate(() => {
        afterTurn = closed.length
      })
    })
    await (how === 'close()' ? engine.close() : engine.revokeAll())
    expect(served).toBe(false)
    expect(afterTurn).toBe(perTurn)
    expect(closed).toEqual(Array.from({ length: many }, () => (how === 'close()' ? 'closing' : 'revoked')))
  },
)

it('that changed elsewhere are looked up some in each turn, and all of them', async () => {
  const { clock, store, feed, closed, gets } = await withMany()
  const there = start({ store, clock, seed: 2 })
  await there.engine.revoke({ subject: 'alice' })
  const before = gets()
  feed.deliver()
  expect(gets() - before).toBe(perTurn)
  for (let turn = 0; turn < 4; turn += 1) await settle()
  expect(gets() - before).toBe(many)
  expect(closed).toHaveLength(many)
})

it('that are due together are looked up some in each turn', async () => {
  const { clock, gets } = await withMany()
  const before = gets()
  clock.advance(60_000)
  expect(gets() - before).toBe(perTurn)
  for (let turn = 0; turn < 4; turn += 1) await settle()
  expect(gets() - before).toBe(many)
})
