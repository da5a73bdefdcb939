import { describe, expect, it } from 'vitest'
import type { Stats } from '../../src/engine/stats.ts'
import { ChangeListeners } from '../../src/store/changes.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { ChangeFeed } from '../../src/store/store.ts'
import { faultyStore } from '../../src/testing/index.ts'
import { chrome, firefox, minute, must, second, start } from './support/start.ts'

/** A feed that says what a test wants it to. */
function toldFeed() {
  const listeners = new ChangeListeners()
  const state = { whole: true }
  const feed: ChangeFeed = { subscribe: (listener) => listeners.subscribe(listener), confirm: () => state.whole }
  return { state, feed, tell: (ids: readonly string[]) => listeners.tell(ids) }
}

const counted = (dead: Stats['verdicts']['dead']) => Object.fromEntries(Object.entries(dead).filter(([, count]) => count > 0))

describe('the figures of an engine', () => {
  it('start at nothing, with every reason and code by name', () => {
    const { engine } = start()
    const { verdicts, cache, changes, store, ...rest } = engine.stats()
    expect(Object.values(verdicts.dead).every((count) => count === 0)).toBe(true)
    expect(Object.keys(verdicts.dead)).toContain('everyone-out')
    expect(verdicts.unknown).toEqual({ 'store-unavailable': 0, 'crypto-unavailable': 0 })
    expect(cache).toEqual({ size: 0, capacity: 10_000, hits: 0, misses: 0 })
    expect(changes).toEqual({ whole: false, bypasses: 0, bypassMs: 0, lagMs: { last: null, max: null } })
    const idle = { circuit: 'closed', opened: 0, inFlight: 0, faults: 0, timeouts: 0, refused: 0 }
    expect(store).toEqual({ reads: idle, writes: idle })
    expect(rest).toEqual({ connections: 0, pendingTouches: 0, pendingRevocations: 0 })
  })

  it('count each verdict once, by what it was', async () => {
    const store = faultyStore(memoryStore())
    const { engine } = start({ store, fingerprint: 'deny' })
    const { token, session } = await engine.issue({ subject: 'alice', context: firefox })
    await engine.verify(undefined)
    await engine.verify('nonsense')
    for (let at = 0; at < 3; at += 1) await engine.verify(token, firefox)
    await engine.verify(token, chrome)
    store.plan({ mode: 'fail-before', on: 'get' })
    await engine.verify(token, firefox, { fresh: true })
    await engine.revoke({ session: session.id }, { reason: 'logout' })
    await engine.verify(token, firefox)
    const { verdicts, cache } = engine.stats()
    expect(verdicts.live).toBe(3)
    expect(counted(verdicts.dead)).toEqual({ missing: 1, invalid: 1, 'binding-mismatch': 1, logout: 1 })
    expect(verdicts.unknown['store-unavailable']).toBe(1)
    expect(cache).toMatchObject({ size: 0, hits: 3, misses: 2 })
  })

  it('count a client that could not be put out as not known, and not as dead too', async () => {
    const store = faultyStore(memoryStore())
    const { engine } = start({ store, fingerprint: 'revoke' })
    const { token } = await engine.issue({ subject: 'alice', context: firefox })
    store.plan({ mode: 'fail-before', on: 'revoke' })
    await engine.verify(token, chrome)
    const { verdicts, pendingRevocations } = engine.stats()
    expect(counted(verdicts.dead)).toEqual({})
    expect(verdicts.unknown['store-unavailable']).toBe(1)
    expect(pendingRevocations).toBe(1)
  })

  it('show how full memory is, what waits to be written and what is attached', async () => {
    const { engine, clock } = start({ rememberedChecks: 2 })
    const all = [await engine.issue({ subject: 'a' }), await engine.issue({ subject: 'b' })]
    for (const { token } of all) await engine.verify(token)
    expect(engine.stats().cache).toMatchObject({ size: 2, capacity: 2 })
    clock.advance(5 * minute)
    await engine.verify(must(all[0]).token)
    const detach = engine.attach(must(all[0]).session, () => undefined)
    expect(engine.stats()).toMatchObject({ connections: 1, pendingTouches: 1 })
    detach()
    expect(engine.stats().connections).toBe(0)
  })

  it('tell how long checks did without memory, and how often', async () => {
    const told = toldFeed()
    const { engine, clock } = start({ store: { ...memoryStore(), changes: told.feed }, maxStaleness: second })
    const { token } = await engine.issue({ subject: 'alice' })
    await engine.verify(token)
    expect(engine.stats().changes).toMatchObject({ whole: true, bypasses: 0, bypassMs: 0 })
    told.state.whole = false
    for (let passed = 0; passed < 4; passed += 1) {
      clock.advance(100)
      await engine.verify(token)
    }
    expect(engine.stats().changes).toMatchObject({ whole: false, bypasses: 1, bypassMs: 300 })
    told.state.whole = true
    clock.advance(100)
    await engine.verify(token)
    await engine.verify(token)
    expect(engine.stats().changes).toMatchObject({ whole: true, bypasses: 1, bypassMs: 400 })
    told.state.whole = false
    clock.advance(100)
    await engine.verify(token)
    // Nobody asked for an hour: nobody was kept waiting for an hour.
    clock.advance(60 * minute)
    await engine.verify(token)
    expect(engine.stats().changes).toMatchObject({ bypasses: 2, bypassMs: 400 + second })
  })

  it('measure how long a revocation elsewhere took to arrive, and count none of our own', async () => {
    const told = toldFeed()
    const inner = memoryStore()
    const { engine, clock } = start({ store: { ...inner, changes: told.feed } })
    const [alice, bob, carol] = [
      await engine.issue({ subject: 'alice' }),
      await engine.issue({ subject: 'bob' }),
      await engine.issue({ subject: 'carol' }),
    ]
    for (const { token } of [alice, bob, carol]) await engine.verify(token)
    const elsewhere = async (id: string, lag: number) => {
      await inner.revoke({ id }, { at: clock.now(), reason: 'admin' })
      clock.advance(lag)
      told.tell([id])
    }
    await elsewhere(alice.session.id, 30)
    clock.advance(minute)
    await engine.verify(alice.token)
    expect(engine.stats().changes.lagMs).toEqual({ last: 30, max: 30 })
    await elsewhere(bob.session.id, 5)
    await engine.verify(bob.token)
    expect(engine.stats().changes.lagMs).toEqual({ last: 5, max: 30 })
    clock.advance(minute)
    await engine.revoke({ session: carol.session.id })
    told.tell([carol.session.id])
    await engine.verify(carol.token)
    expect(engine.stats().changes.lagMs).toEqual({ last: 5, max: 30 })
  })
})
