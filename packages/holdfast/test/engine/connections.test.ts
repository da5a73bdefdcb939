import { describe, expect, it, vi } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import type { SessionId, SessionStore } from '../../src/store/store.ts'
import { hour, minute, must, type Started, second, settle, start } from './support/start.ts'
import { failingStore, holdingStore, remoteFeed, wrapStore } from './support/stores.ts'

async function attached(options: Parameters<typeof start>[0] = {}) {
  const started = start(options)
  const issued = await started.engine.issue({ subject: 'alice' })
  const close = vi.fn()
  const detach = started.engine.attach(issued.session, close)
  await settle()
  return { ...started, issued, close, detach, id: issued.session.id }
}

const revoked = { cause: 'revoked', reason: 'logout' } as const

function unfed(store: SessionStore): SessionStore {
  const { changes, ...rest } = store
  expect(changes).toBeDefined()
  return rest
}

const endings: Readonly<Record<string, (started: Started, session: SessionId) => Promise<unknown>>> = {
  revoke: ({ engine }, session) => engine.revoke({ session }),
  'revoke the subject': ({ engine }) => engine.revoke({ subject: 'alice' }),
  evict: ({ engine }) => engine.issue({ subject: 'alice' }),
  replace: ({ engine }, replaces) => engine.issue({ subject: 'alice', replaces }),
  promote: ({ engine }, session) => engine.promote(session, { subject: 'alice' }),
  async 'too many visitors'({ engine, clock }) {
    clock.advance(1)
    await engine.issueAnonymous()
    await engine.sweep()
  },
  'everyone out': ({ engine }) => engine.revokeAll(),
}

describe('a live connection', () => {
  it('is closed once, at once, when its session is revoked here', async () => {
    const { engine, id, close } = await attached()
    await engine.revoke({ session: id }, { reason: 'logout' })
    await engine.revoke({ session: id }, { reason: 'admin' })
    await engine.revokeAll()
    expect(close.mock.calls).toEqual([[revoked]])
  })

  it('is closed when everyone is put out', async () => {
    const { engine, close } = await attached()
    await engine.revokeAll()
    expect(close.mock.calls).toEqual([[{ cause: 'revoked', reason: 'everyone-out' }]])
  })

  it.each([
    ['a feed', (store: SessionStore) => wrapStore(store, (_, run) => run(), remoteFeed(store.changes))],
    ['no feed', unfed],
    [
      'a feed that cannot be trusted',
      (store: SessionStore) => {
        const feed = remoteFeed(store.changes)
        feed.trust = false
        return wrapStore(store, (_, run) => run(), feed)
      },
    ],
  ])('is closed within the bound when its session is revoked on another node, with %s', async (_, wrap) => {
    const store = memoryStore()
    const here = await attached({ store: wrap(store), maxStaleness: '1s' })
    const there = start({ store, clock: here.clock, seed: 2 })
    await there.engine.revoke({ session: here.id }, { reason: 'logout' })
    for (let passed = 0; passed < 1000; passed += 50) {
      here.clock.advance(50)
      await settle()
    }
    expect(here.close.mock.calls).toEqual([[revoked]])
  })

  it.each(Object.keys(endings))('is closed at once by this node (%s), whatever its feed tells when', async (how) => {
    const inner = memoryStore()
    const store = wrapStore(inner, (_, run) => run(), remoteFeed(inner.changes))
    const started = start({ store, sessionsPerSubject: { max: 1 }, anonymousMost: 1 })
    const { engine } = started
    const isVisitor = how === 'promote' || how === 'too many visitors'
    const { session } = isVisitor ? await engine.issueAnonymous() : await engine.issue({ subject: 'alice' })
    const close = vi.fn()
    engine.attach(session, close)
    await settle()
    await endings[how]?.(started, session.id)
    expect(close.mock.calls).toEqual([[expect.objectContaining({ cause: 'revoked' })]])
  })

  it('is closed although the session was revoked between its check and the attaching', async () => {
    const started = start()
    const { session } = await started.engine.issue({ subject: 'alice' })
    await started.engine.revoke({ session: session.id }, { reason: 'logout' })
    const close = vi.fn()
    started.engine.attach(session, close)
    await settle()
    expect(close.mock.calls).toEqual([[revoked]])
    expect(started.clock.pending).toBe(1)
  })

  it('is closed when the secret that opened it is replaced, on whichever node, and not by a step-up', async () => {
    const store = memoryStore()
    const here = await attached({ store: wrapStore(store, (_, run) => run(), remoteFeed(store.changes)) })
    const there = start({ store, clock: here.clock, seed: 2 })
    const raised = must(await there.engine.elevate(here.id, { amr: ['otp'] }))
    here.clock.advance(minute)
    await settle()
    expect(here.close).not.toHaveBeenCalled()
    await there.engine.regenerate(here.id)
    here.clock.advance(second)
    await settle()
    expect(here.close.mock.calls).toEqual([[{ cause: 'superseded' }]])
    const [anew, late] = [vi.fn(), vi.fn()]
    here.engine.attach(must(await here.engine.get(here.id)), anew)
    // By a request that was checked with the old secret, just before.
    here.engine.attach(raised.session, late)
    await settle()
    expect(late.mock.calls).toEqual([[{ cause: 'superseded' }]])
    here.clock.advance(minute)
    await settle()
    expect(anew).not.toHaveBeenCalled()
  })

  it('outlives a step-up, and an answer from before it that was late', async () => {
    const holding = holdingStore(memoryStore())
    const { engine } = start({ store: holding.store })
    const { session } = await engine.issue({ subject: 'alice' })
    holding.holding = new Set(['get'])
    const [old, anew] = [vi.fn(), vi.fn()]
    engine.attach(session, old)
    must(holding.held[0]).run()
    holding.holding = new Set()
    engine.attach(must(await engine.elevate(session.id, { amr: ['otp'] })).session, anew)
    await settle()
    must(holding.held[0]).answer()
    await settle()
    expect([...old.mock.calls, ...anew.mock.calls]).toEqual([])
  })

  it('of a session that tokens carry outlives its refreshes, and not a new secret', async () => {
    const { engine, clock } = start()
    const { session, refreshToken } = await engine.issueTokens({ subject: 'alice' })
    const close = vi.fn()
    engine.attach(session, close)
    await settle()
    expect((await engine.refresh(refreshToken)).status).toBe('live')
    clock.advance(second)
    await settle()
    expect(close).not.toHaveBeenCalled()
    await engine.regenerate(session.id)
    await settle()
    expect(close.mock.calls).toEqual([[{ cause: 'superseded' }]])
  })

  it('is closed when its session expires, which is told once, and not while the session is in use', async () => {
    const { engine, clock, issued, close, told } = await attached()
    for (let passed = 0; passed < 5; passed += 1) {
      clock.advance(20 * minute)
      await settle()
      await engine.verify(issued.token)
      clock.advance(second)
      await settle()
    }
    expect(close).not.toHaveBeenCalled()
    clock.advance(30 * minute)
    await settle()
    expect(close.mock.calls).toEqual([[{ cause: 'expired' }]])
    expect(told()).toEqual(['session_created', 'session_expired'])
  })

  it('is closed when its record is gone', async () => {
    const inner = memoryStore()
    const { clock, close } = await attached({ store: unfed({ ...inner, get: () => undefined }) })
    clock.advance(second)
    await settle()
    expect(close.mock.calls).toEqual([[{ cause: 'expired' }]])
  })

  it('stays while the store cannot tell, and is looked up again in the next round', async () => {
    const failing = failingStore(memoryStore())
    const started = await attached({ store: failing.store })
    const there = start({ store: failing.store, clock: started.clock, seed: 2 })
    failing.failing = new Set(['get'])
    // The feed tells of the revocation while the record cannot be read.
    await there.engine.revoke({ session: started.id }, { reason: 'logout' })
    await settle()
    expect(started.close).not.toHaveBeenCalled()
    expect(started.faults.length).toBeGreaterThan(0)
    failing.recover()
    started.clock.advance(250)
    await settle()
    expect(started.close.mock.calls).toEqual([[revoked]])
  })

  it('is looked up again after a store that hung', async () => {
    const holding = holdingStore(memoryStore())
    const started = start({ store: holding.store })
    const { session } = await started.engine.issue({ subject: 'alice' })
    await started.engine.revoke({ session: session.id }, { reason: 'logout' })
    holding.holding = new Set(['get'])
    const close = vi.fn()
    started.engine.attach(session, close)
    started.clock.advance(500)
    await settle()
    expect(started.faults.map(({ doing }) => doing)).toContain('checking the session of a live connection')
    holding.holding = new Set()
    started.clock.advance(500)
    await settle()
    expect(close.mock.calls).toEqual([[revoked]])
  })

  it('that throws or rejects when closed is told to the logger, and the others are closed', async () => {
    const { engine, issued, close, faults, id } = await attached()
    const last = vi.fn()
    engine.attach(issued.session, () => {
      throw new Error('broken pipe')
    })
    engine.attach(issued.session, (() => Promise.reject(new Error('reset'))) as () => void)
    engine.attach(issued.session, last)
    await engine.revoke({ session: id }, { reason: 'logout' })
    await settle()
    expect(close).toHaveBeenCalledOnce()
    expect(last).toHaveBeenCalledOnce()
    expect(faults.map(({ fault }) => (fault as Error).message)).toEqual(['broken pipe', 'reset'])
  })

  it('that ended by itself is closed no more and leaves no timer', async () => {
    const { engine, clock, close, detach, id } = await attached()
    expect(clock.pending).toBe(2)
    detach()
    detach()
    expect(clock.pending).toBe(1)
    await engine.revoke({ session: id })
    expect(close).not.toHaveBeenCalled()
  })

  it('does not take its siblings along when it ends', async () => {
    const { engine, issued, close, detach, id } = await attached()
    const sibling = vi.fn()
    engine.attach(issued.session, sibling)
    detach()
    await engine.revoke({ session: id }, { reason: 'logout' })
    expect(sibling).toHaveBeenCalledWith(revoked)
    expect(close).not.toHaveBeenCalled()
  })

  it('costs one look at the store per minute while nothing changes, whatever the feed says', async () => {
    const failing = failingStore(memoryStore())
    const { clock } = await attached({ store: failing.store, limits: { signedIn: { idle: '2h', absolute: '3h' } } })
    failing.calls.length = 0
    for (let passed = 0; passed < hour; passed += minute) {
      clock.advance(minute)
      await settle()
    }
    expect(failing.calls.filter((method) => method === 'get')).toHaveLength(60)
  })

  it('is closed by close(), which leaves no timer at all', async () => {
    const { engine, clock, issued, close } = await attached()
    clock.advance(5 * minute)
    await engine.verify(issued.token)
    await engine.close()
    expect(close.mock.calls).toEqual([[{ cause: 'closing' }]])
    await settle()
    expect(clock.pending).toBe(0)
  })

  it('is closed for 500 sessions at once, each by its own reason', async () => {
    const started = start({ sessionsPerSubject: 'unlimited' })
    const closes = []
    for (let at = 0; at < 500; at += 1) {
      const { session } = await started.engine.issue({ subject: at % 2 === 0 ? 'alice' : 'bob' })
      const close = vi.fn()
      started.engine.attach(session, close)
      closes.push(close)
    }
    await started.engine.revoke({ subject: 'alice' }, { reason: 'logout' })
    await settle()
    expect(closes.map((close) => close.mock.calls.length)).toEqual(closes.map((_, at) => (at % 2 === 0 ? 1 : 0)))
  })
})
