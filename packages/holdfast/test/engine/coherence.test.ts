/** What a node remembers is never older than what it was told: interleavings of checks and changes, one by one. */
import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import { must, outcome, outcomeOf, second, start } from './support/start.ts'
import { wrapStore } from './support/stores.ts'
import { twoNodes } from './support/two-nodes.ts'

const get = new Set(['get'] as const)
const none = new Set<never>()

describe('a read that races a change', () => {
  it('is not remembered when the change was told while it was under way', async () => {
    const { here, there, feed, holding, issued, id } = await twoNodes()
    holding.holding = get
    const slow = here.engine.verify(issued.token)
    must(holding.held[0]).run()
    await there.engine.revoke({ session: id }, { reason: 'logout' })
    feed.deliver()
    must(holding.held[0]).answer()
    // This check began before the revocation was acknowledged: either answer is right, but only for it.
    expect(outcomeOf(await slow)).toBe('live')
    holding.holding = none
    expect(await outcome(here, issued)).toBe('logout')
  })

  it('is not remembered when the change is told only as the check is about to remember it', async () => {
    const { here, there, holding, issued, id, clock } = await twoNodes()
    holding.holding = get
    const slow = here.engine.verify(issued.token)
    must(holding.held[0]).run()
    await there.engine.revoke({ session: id }, { reason: 'logout' })
    clock.advance(100)
    must(holding.held[0]).answer()
    await slow
    holding.holding = none
    expect(await outcome(here, issued)).toBe('logout')
  })

  it('is not remembered when this node revoked meanwhile and the feed has told nothing yet', async () => {
    const { here, holding, issued, id } = await twoNodes()
    holding.holding = get
    const slow = here.engine.verify(issued.token)
    must(holding.held[0]).run()
    await here.engine.revoke({ session: id }, { reason: 'logout' })
    must(holding.held[0]).answer()
    await slow
    holding.holding = none
    expect(await outcome(here, issued)).toBe('logout')
  })

  it('is not remembered although a fresh check took its place meanwhile', async () => {
    const { here, holding, issued, id } = await twoNodes()
    holding.holding = get
    const slow = here.engine.verify(issued.token)
    must(holding.held[0]).run()
    const fresh = here.engine.verify(issued.token, undefined, { fresh: true })
    must(holding.held[1]).answer()
    await fresh
    await here.engine.revoke({ session: id }, { reason: 'logout' })
    must(holding.held[0]).answer()
    await slow
    holding.holding = none
    expect(await outcome(here, issued)).toBe('logout')
  })

  it('is not shared by a check that begins after the revocation was acknowledged', async () => {
    const { here, holding, issued, id } = await twoNodes()
    holding.holding = get
    const slow = here.engine.verify(issued.token)
    must(holding.held[0]).run()
    await here.engine.revoke({ session: id }, { reason: 'logout' })
    const next = here.engine.verify(issued.token)
    expect(holding.held).toHaveLength(2)
    must(holding.held[1]).answer()
    expect(outcomeOf(await next)).toBe('logout')
    must(holding.held[0]).answer()
    await slow
  })

  it.each([
    ['as old as the bound', { trust: true, after: 200 }],
    ['while changes are not heard of', { trust: false, after: 10 }],
  ] as const)('is not shared on another node %s', async (_when, { trust, after }) => {
    const { here, there, clock, feed, holding, issued, id } = await twoNodes({ maxStaleness: '200ms' })
    holding.holding = get
    const slow = here.engine.verify(issued.token)
    must(holding.held[0]).run()
    await there.engine.revoke({ session: id }, { reason: 'logout' })
    // The feed is late and does not know it, or knows.
    feed.deliver = () => undefined
    feed.trust = trust
    clock.advance(after)
    const next = here.engine.verify(issued.token)
    expect(holding.held).toHaveLength(2)
    must(holding.held[1]).answer()
    expect(outcomeOf(await next)).toBe('logout')
    must(holding.held[0]).answer()
    await slow
  })

  it.each(['revokeAll', 'subject', 'elevate', 'regenerate'] as const)('is not shared after %s either', async (change) => {
    const { here, holding, issued, id } = await twoNodes()
    holding.holding = get
    const slow = here.engine.verify(issued.token)
    must(holding.held[0]).run()
    holding.holding = none
    if (change === 'revokeAll') await here.engine.revokeAll()
    else if (change === 'subject') await here.engine.revoke({ subject: 'alice' })
    else if (change === 'regenerate') await here.engine.regenerate(id)
    else await here.engine.elevate(id, { amr: ['otp'] })
    const expected = { revokeAll: 'everyone-out', subject: 'admin', regenerate: 'superseded', elevate: 'live' }[change]
    expect(await outcome(here, issued)).toBe(expected)
    must(holding.held[0]).answer()
    await slow
    expect(await outcome(here, issued)).toBe(expected)
  })

  it('on a store that answers at once is not remembered when the change is told within the very check', async () => {
    const inner = memoryStore()
    let during = () => undefined as unknown
    const store = wrapStore(inner, (method, run) => {
      const answer = run()
      if (method === 'get') during()
      return answer
    })
    const started = start({ store })
    const issued = await started.engine.issue({ subject: 'alice' })
    during = () => inner.revoke({ id: issued.session.id }, { at: 1, reason: 'logout' })
    expect(await outcome(started, issued)).toBe('live')
    during = () => undefined
    expect(await outcome(started, issued)).toBe('logout')
  })
})

describe('the memory of a node', () => {
  it('is asked instead of the store, except for a fresh check', async () => {
    const { here, issued, gets } = await twoNodes()
    expect(await outcome(here, issued)).toBe('live')
    const before = gets()
    for (let at = 0; at < 10; at += 1) expect(here.engine.verify(issued.token)).not.toBeInstanceOf(Promise)
    expect(gets()).toBe(before)
    await here.engine.verify(issued.token, undefined, { fresh: true })
    expect(gets()).toBe(before + 1)
  })

  it('proves for a fresh check that a token is ours, and not what the record says of it', async () => {
    const { here, there, issued, id } = await twoNodes()
    expect(await outcome(here, issued)).toBe('live')
    const renewed = must(await there.engine.regenerate(id))
    // The feed has told nothing yet.
    expect(await outcome(here, issued)).toBe('live')
    expect(await outcome(here, issued, undefined, { fresh: true })).toBe('superseded')
    expect(await outcome(here, renewed, undefined, { fresh: true })).toBe('live')
    await there.engine.revoke({ session: id }, { reason: 'logout' })
    expect(await outcome(here, renewed, undefined, { fresh: true })).toBe('logout')
  })

  it.each([false, 'throw'] as const)('is not trusted while the feed answers %s', async (trust) => {
    const { here, there, feed, clock, issued, id, gets } = await twoNodes()
    expect(await outcome(here, issued)).toBe('live')
    feed.trust = trust
    clock.advance(50)
    const before = gets()
    expect(await outcome(here, issued)).toBe('live')
    expect(await outcome(here, issued)).toBe('live')
    expect(gets()).toBe(before + 2)
    await there.engine.revoke({ session: id }, { reason: 'logout' })
    expect(await outcome(here, issued)).toBe('logout')
  })

  it('is not filled from what was read while the feed was broken', async () => {
    const { here, feed, clock, issued, gets } = await twoNodes()
    feed.trust = false
    expect(await outcome(here, issued)).toBe('live')
    feed.trust = true
    const before = gets()
    clock.advance(50)
    await here.engine.verify(issued.token)
    expect(gets()).toBe(before + 1)
  })

  it('does not exist on a store without a feed', async () => {
    const { changes, ...store } = memoryStore()
    expect(changes).toBeDefined()
    const [here, there] = [start({ store }), start({ store, seed: 2 })]
    const issued = await here.engine.issue({ subject: 'alice' })
    expect(await outcome(here, issued)).toBe('live')
    await there.engine.revoke({ session: issued.session.id }, { reason: 'logout' })
    expect(await outcome(here, issued)).toBe('logout')
  })

  it('is emptied when the feed says that anything may have changed', async () => {
    const { here, there, feed, issued, gets } = await twoNodes()
    expect(await outcome(here, issued)).toBe('live')
    await there.engine.revokeAll()
    feed.deliver()
    const before = gets()
    expect(await outcome(here, issued)).toBe('everyone-out')
    expect(gets()).toBe(before + 1)
  })

  it('knows a change of another node at the latest after the twentieth of the bound that it waits to ask', async () => {
    const { here, there, clock, issued, id } = await twoNodes()
    expect(await outcome(here, issued)).toBe('live')
    await there.engine.revoke({ session: id }, { reason: 'logout' })
    clock.advance(49)
    expect(await outcome(here, issued)).toBe('live')
    clock.advance(1)
    expect(await outcome(here, issued)).toBe('logout')
  })

  it('is within the bound although the feed lags as far as it is allowed to', async () => {
    const inner = memoryStore()
    const clock = start().clock
    const arrived: { readonly at: number; readonly ids: readonly string[] | undefined }[] = []
    inner.changes?.subscribe((ids) => arrived.push({ at: clock.now(), ids }))
    const listeners: ((ids: readonly string[] | undefined) => void)[] = []
    const lagging = {
      subscribe: (listener: (ids: readonly string[] | undefined) => void) => {
        listeners.push(listener)
        return () => undefined
      },
      confirm: (now: number, maxAge: number) => {
        for (let [next] = arrived; next !== undefined && next.at <= now - maxAge; [next] = arrived) {
          for (const listener of listeners) listener(arrived.shift()?.ids)
        }
        return true
      },
    }
    const here = start({ store: wrapStore(inner, (_, run) => run(), lagging), clock, maxStaleness: '1s' })
    const there = start({ store: inner, clock, seed: 2 })
    for (const askedBefore of [0, 1, 25, 49]) {
      const issued = await there.engine.issue({ subject: 'alice' })
      clock.advance(2 * second)
      expect(await outcome(here, issued)).toBe('live')
      clock.advance(askedBefore)
      await there.engine.revoke({ session: issued.session.id }, { reason: 'logout' })
      for (let passed = 0; passed < 950; passed += 10) {
        await here.engine.verify(issued.token)
        clock.advance(10)
      }
      clock.advance(50)
      expect(await outcome(here, issued)).toBe('logout')
    }
  })

  it('is not trusted longer because the clock went back', async () => {
    const { here, there, clock, issued, id } = await twoNodes()
    expect(await outcome(here, issued)).toBe('live')
    await there.engine.revoke({ session: id }, { reason: 'logout' })
    clock.jumpTo(clock.now() - second)
    expect(await outcome(here, issued)).toBe('logout')
  })

  it('ends with close()', async () => {
    const { here, there, issued, id } = await twoNodes()
    expect(await outcome(here, issued)).toBe('live')
    await here.engine.close()
    await there.engine.revoke({ session: id }, { reason: 'logout' })
    expect(await outcome(here, issued)).toBe('logout')
  })
})
