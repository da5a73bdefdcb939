/** A feed that says how sessions ended: this node refuses them without asking the store for what it was just told. */
import { expect, it, vi } from 'vitest'
import { ChangeListeners } from '../../src/store/changes.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { ChangeFeed } from '../../src/store/store.ts'
import { firefox, must, outcome, second, settle, start } from './support/start.ts'
import { holdingStore } from './support/stores.ts'

async function told() {
  const listeners = new ChangeListeners()
  const feed: ChangeFeed = { subscribe: (listener) => listeners.subscribe(listener), confirm: () => true }
  const holding = holdingStore(memoryStore(), feed)
  const started = start({ store: holding.store })
  const issued = await started.engine.issue({ subject: 'alice', context: firefox })
  const gets = () => holding.calls.filter((method) => method === 'get').length
  return { ...started, listeners, holding, issued, id: issued.session.id, gets }
}

const ended = (at: number) => ({ at, reason: 'evicted' }) as const

it('refuses a session that it remembered, by its reason, while the store does not answer', async () => {
  const { engine, clock, listeners, holding, issued, id, gets } = await told()
  expect(await outcome({ engine }, issued)).toBe('live')
  holding.holding = new Set(['get'])
  const before = gets()
  listeners.tell([id], ended(clock.now()))
  expect(await outcome({ engine }, issued)).toBe('evicted')
  expect(gets()).toBe(before)
})

it('asks the store all the same when the check is to be fresh', async () => {
  const { engine, clock, listeners, issued, id, gets } = await told()
  await engine.verify(issued.token)
  listeners.tell([id], ended(clock.now()))
  const before = gets()
  await engine.verify(issued.token, undefined, { fresh: true })
  expect(gets()).toBe(before + 1)
})

it('refuses a secret that was replaced before, as the store would', async () => {
  const { engine, clock, listeners, issued, id } = await told()
  const next = must(await engine.regenerate(id))
  await engine.verify(next.token)
  listeners.tell([id], ended(clock.now()))
  expect(await outcome({ engine }, issued)).toBe('superseded')
  expect(await outcome({ engine }, next)).toBe('evicted')
})

it('closes its live connections at once, with the reason', async () => {
  const { engine, clock, listeners, holding, issued, id } = await told()
  const close = vi.fn()
  engine.attach(issued.session, close)
  await settle()
  holding.holding = new Set(['get'])
  listeners.tell([id], ended(clock.now()))
  expect(close.mock.calls).toEqual([[{ cause: 'revoked', reason: 'evicted' }]])
})

it('knows the lag without waiting for a check', async () => {
  const { engine, clock, listeners, issued, id } = await told()
  await engine.verify(issued.token)
  const at = clock.now()
  clock.advance(second)
  listeners.tell([id], ended(at))
  expect(engine.stats().changes.lagMs).toEqual({ last: second, max: second })
})

it('keeps a thousand, and asks the store for older ones', async () => {
  const { engine, clock, listeners, issued, gets } = await told()
  const others = await Promise.all(Array.from({ length: 1000 }, (_, at) => engine.issue({ subject: `s${at}` })))
  for (const each of [issued, ...others]) await engine.verify(each.token)
  for (const { session } of [issued, ...others]) listeners.tell([session.id], ended(clock.now()))
  const before = gets()
  expect(await outcome({ engine }, must(others[0]))).toBe('evicted')
  expect(gets()).toBe(before)
  await engine.verify(issued.token)
  expect(gets()).toBe(before + 1)
})
