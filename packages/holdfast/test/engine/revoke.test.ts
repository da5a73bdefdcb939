import { describe, expect, it, vi } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import { minute, must, outcome, second, settle, start } from './support/start.ts'
import { allMethods, failingStore, remoteFeed, wrapStore } from './support/stores.ts'

async function household(options: Parameters<typeof start>[0] = {}) {
  const started = start(options)
  const alice = await Promise.all(Array.from({ length: 3 }, () => started.engine.issue({ subject: 'alice' })))
  const bob = await started.engine.issue({ subject: 'bob' })
  const visitor = await started.engine.issueAnonymous()
  const all = [...alice, bob, visitor]
  for (const one of all) await started.engine.verify(one.token)
  started.told()
  const outcomes = () => Promise.all(all.map((one) => outcome(started, one)))
  return { ...started, alice, bob, visitor, outcomes }
}

const down = () => {
  const failing = failingStore(memoryStore())
  return { failing, store: failing.store }
}

describe('revoke', () => {
  it('ends one session and no other', async () => {
    const { engine, alice, outcomes, told } = await household()
    const { id } = must(alice[1]).session
    expect(await engine.revoke({ session: id }, { reason: 'logout' })).toEqual({ revoked: [id], durable: false })
    expect(await outcomes()).toEqual(['live', 'logout', 'live', 'live', 'live'])
    expect(told()).toEqual(['session_revoked', 'session_use_after_revoke'])
    expect(await engine.revoke({ session: id }, { reason: 'admin' })).toEqual({ revoked: [], durable: false })
    expect(await outcomes()).toContain('logout')
  })

  it("ends a subject's sessions, with an exception or without", async () => {
    const { engine, alice, outcomes } = await household()
    const kept = must(alice[0]).session.id
    const { revoked } = await engine.revoke({ subject: 'alice', except: kept }, { reason: 'credential-change' })
    expect([...revoked].sort()).toEqual(
      alice
        .slice(1)
        .map(({ session }) => session.id)
        .sort(),
    )
    expect(await outcomes()).toEqual(['live', 'credential-change', 'credential-change', 'live', 'live'])
    await engine.revoke({ subject: 'alice' })
    expect(await outcomes()).toEqual(['admin', 'credential-change', 'credential-change', 'live', 'live'])
  })

  it('ends everyone, visitors too, and nobody who comes after', async () => {
    const started = await household()
    expect(await started.engine.revokeAll()).toEqual({ durable: false })
    expect(await started.outcomes()).toEqual(Array(5).fill('everyone-out'))
    expect(started.told()[0]).toBe('session_everyone_out')
    const next = await started.engine.issue({ subject: 'alice' })
    expect(await outcome(started, next)).toBe('live')
    expect((await started.engine.list()).items.map(({ id }) => id)).toEqual([next.session.id])
  })

  it('reports each ended session to one of 64 callers', async () => {
    const { engine, alice } = await household()
    const results = await Promise.all(Array.from({ length: 64 }, () => engine.revoke({ subject: 'alice' })))
    expect(results.flatMap(({ revoked }) => revoked).sort()).toEqual(alice.map(({ session }) => session.id).sort())
  })

  it.each(['', 'x', 'A'.repeat(25), '../../etc/passwd', 'AAAA\nAAAA'])('takes %j for the name of nothing', async (id) => {
    const calls: string[] = []
    const store = wrapStore(memoryStore(), (method, run) => {
      calls.push(method)
      return run()
    })
    const { engine } = start({ store })
    expect((await engine.revoke({ session: id })).revoked).toEqual([])
    expect(await engine.get(id)).toBeUndefined()
    expect(calls).toEqual([])
  })

  it('says durable when the store does', async () => {
    const { engine } = start({ store: { ...memoryStore(), revoke: () => ({ ids: [], durable: true }) } })
    expect(await engine.revoke({ subject: 'alice' })).toEqual({ revoked: [], durable: true })
    expect(await engine.revokeAll()).toEqual({ durable: true })
  })
})

describe('a revocation that the store cannot record', () => {
  const targets = [
    ['one session', ['live', 'admin', 'live', 'live', 'live']],
    ['a subject', ['admin', 'admin', 'admin', 'live', 'live']],
    ['a subject but one', ['admin', 'live', 'admin', 'live', 'live']],
    ['everyone', Array(5).fill('everyone-out')],
  ] as const

  function order({ engine, alice }: Awaited<ReturnType<typeof household>>, which: string): Promise<unknown> {
    const { id } = must(alice[1]).session
    if (which === 'everyone') return engine.revokeAll()
    if (which === 'one session') return engine.revoke({ session: id })
    return engine.revoke({ subject: 'alice', except: which === 'a subject' ? undefined : id })
  }

  it.each(targets)('of %s holds here at once, is told as a fault, and is repeated until recorded', async (which, expected) => {
    const { failing, store } = down()
    const started = await household({ store })
    failing.failing = new Set(['revoke'])
    await expect(order(started, which)).rejects.toMatchObject({ code: 'store-unavailable', retryAfter: 1 })
    expect(await started.outcomes()).toEqual(expected)
    const elsewhere = start({ store, clock: started.clock })
    expect(await outcome(elsewhere, must(started.alice[0]))).toBe('live')
    for (let round = 0; round < 3; round += 1) {
      started.clock.advance(second)
      await settle()
      expect(await started.outcomes()).toEqual(expected)
    }
    failing.recover()
    started.clock.advance(second)
    await settle()
    expect(await started.outcomes()).toEqual(expected)
    const restarted = start({ store, clock: started.clock })
    const all = [...started.alice, started.bob, started.visitor]
    expect(await Promise.all(all.map((one) => outcome(restarted, one)))).toEqual(expected)
    const recorded = started.told()
    expect(recorded).toContain(which === 'everyone' ? 'session_everyone_out' : 'session_revoked')
  })

  it.each(targets)('of %s stops a change of what it names', async (which, expected) => {
    const { failing, store } = down()
    const started = await household({ store })
    failing.failing = new Set(['revoke'])
    await expect(order(started, which)).rejects.toThrow()
    for (const [at, { session }] of [...started.alice, started.bob].entries()) {
      const updated = await started.engine.update(session.id, () => ({ n: 1 }))
      expect(updated !== undefined).toBe(expected[at] === 'live')
    }
  })

  it('of a subject spares what was issued after it, also when it is repeated', async () => {
    const { failing, store } = down()
    const started = await household({ store })
    failing.failing = new Set(['revoke'])
    await expect(started.engine.revoke({ subject: 'alice' })).rejects.toThrow()
    started.clock.advance(500)
    const later = await started.engine.issue({ subject: 'alice' })
    expect(await outcome(started, later)).toBe('live')
    failing.recover()
    started.clock.advance(second)
    await settle()
    expect(await outcome(started, later, undefined, { fresh: true })).toBe('live')
    expect(await started.outcomes()).toEqual(['admin', 'admin', 'admin', 'live', 'live'])
  })

  it('of a subject with hundreds of sessions is recorded to the last', async () => {
    const { failing, store } = down()
    const started = start({ store, sessionsPerSubject: 'unlimited' })
    for (let at = 0; at < 450; at += 1) await started.engine.issue({ subject: 'alice' })
    failing.failing = new Set(['revoke'])
    await expect(started.engine.revoke({ subject: 'alice' })).rejects.toThrow()
    failing.recover()
    started.clock.advance(second)
    await settle()
    expect((await store.list({ subject: 'alice', liveAt: started.clock.now(), limit: 1 })).items).toEqual([])
  })

  it('closes live connections at once, although the store answers nothing at all', async () => {
    const { failing, store } = down()
    const started = await household({ store })
    const [closed, others] = [vi.fn(), vi.fn()]
    started.engine.attach(must(started.alice[0]).session, closed)
    started.engine.attach(started.bob.session, others)
    await settle()
    failing.failing = allMethods
    await expect(started.engine.revoke({ subject: 'alice' }, { reason: 'logout' })).rejects.toThrow()
    await settle()
    expect(closed.mock.calls).toEqual([[{ cause: 'revoked', reason: 'logout' }]])
    expect(others).not.toHaveBeenCalled()
  })

  it('is still dead after an hour of outage, and tried once more on the way out', async () => {
    const { failing, store } = down()
    const started = await household({ store, limits: { signedIn: { idle: '2h', absolute: '3h' } } })
    failing.failing = new Set(['revoke'])
    const { session, token } = must(started.alice[0])
    await expect(started.engine.revoke({ session: session.id })).rejects.toThrow()
    for (let passed = 0; passed < 60; passed += 1) {
      started.clock.advance(minute)
      await settle()
    }
    expect(await outcome(started, { token })).toBe('admin')
    failing.recover()
    await started.engine.close()
    expect((await store.get(session.id))?.reason).toBe('admin')
  })
})

describe('a revocation on another node', () => {
  it('holds here within the bound, and at once for a fresh check', async () => {
    const store = memoryStore()
    const feed = remoteFeed(store.changes)
    const here = start({ store: wrapStore(store, (_, run) => run(), feed), maxStaleness: '1s' })
    const there = start({ store, clock: here.clock, seed: 2 })
    const issued = await here.engine.issue({ subject: 'alice' })
    expect(await outcome(here, issued)).toBe('live')
    await there.engine.revoke({ session: issued.session.id })
    expect(await outcome(here, issued, undefined, { fresh: true })).toBe('admin')
    here.clock.advance(50)
    expect(await outcome(here, issued)).toBe('admin')
  })
})
