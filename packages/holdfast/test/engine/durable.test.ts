import { describe, expect, it } from 'vitest'
import type { EngineOptions } from '../../src/engine/options.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { RevokeTarget, Store } from '../../src/store/store.ts'
import { must, outcome, second, settle, start } from './support/start.ts'

/** A store that records every revocation, and says whether it is durable as the test wants it. */
function forgetful(durableRevocation: EngineOptions['durableRevocation']) {
  const inner = memoryStore()
  const state = { durable: false }
  const asked: RevokeTarget[] = []
  const store: Store = {
    ...inner,
    revoke: async (target, revocation) => {
      asked.push(target)
      return { ...(await inner.revoke(target, revocation)), durable: state.durable }
    },
  }
  return { ...start({ store, ...(durableRevocation && { durableRevocation }) }), state, asked, inner }
}

const unavailable = { code: 'store-unavailable', retryAfter: 1 }

describe('a revocation that a failover could undo', () => {
  it('is reported as not durable by default, and not repeated', async () => {
    const started = forgetful(undefined)
    const issued = await started.engine.issue({ subject: 'alice' })
    expect(await started.engine.revoke({ session: issued.session.id })).toEqual({
      revoked: [issued.session.id],
      durable: false,
    })
    started.clock.advance(10 * second)
    await settle()
    expect(started.asked).toHaveLength(1)
  })

  it.each(['revoke', 'revokeToken'] as const)('is refused, told once and repeated until it is durable, by %s', async (how) => {
    const started = forgetful('refuse')
    const { engine, clock, asked, state } = started
    const issued = await engine.issue({ subject: 'alice' })
    await engine.verify(issued.token)
    const ended: unknown[] = []
    engine.attach(issued.session, (end) => ended.push(end))
    await settle()
    const revoking =
      how === 'revoke' ? engine.revoke({ session: issued.session.id }, { reason: 'logout' }) : engine.revokeToken(issued.token)
    await expect(revoking).rejects.toMatchObject(unavailable)
    expect(await outcome(started, issued)).toBe('logout')
    expect(ended).toEqual([{ cause: 'revoked', reason: 'logout' }])
    expect(engine.stats().pendingRevocations).toBe(1)
    for (let round = 1; round < 4; round += 1) {
      clock.advance(second)
      await settle()
      expect(asked).toHaveLength(1 + round)
      expect(engine.stats().pendingRevocations).toBe(1)
    }
    state.durable = true
    clock.advance(second)
    await settle()
    expect(engine.stats().pendingRevocations).toBe(0)
    clock.advance(10 * second)
    await settle()
    expect(asked).toHaveLength(5)
    expect(started.told().filter((kind) => kind === 'session_revoked')).toHaveLength(1)
  })

  it('holds here although the store has lost it, and is recorded again', async () => {
    const started = forgetful('refuse')
    const { engine, clock, inner, state } = started
    const issued = await engine.issue({ subject: 'alice' })
    const before = must(await inner.get(issued.session.id))
    await expect(engine.revoke({ session: issued.session.id })).rejects.toMatchObject(unavailable)
    const lost = memoryStore()
    await lost.insert(before)
    Object.assign(inner, { get: lost.get })
    expect(await outcome(started, issued, undefined, { fresh: true })).toBe('admin')
    state.durable = true
    clock.advance(second)
    await settle()
    expect(engine.stats().pendingRevocations).toBe(0)
  })

  it("of a subject's is repeated session by session, and spares one issued since", async () => {
    const started = forgetful('refuse')
    const { engine, clock, asked, state } = started
    const ids = [(await engine.issue({ subject: 'alice' })).session.id, (await engine.issue({ subject: 'alice' })).session.id]
    await expect(engine.revoke({ subject: 'alice' })).rejects.toMatchObject(unavailable)
    clock.advance(1)
    const later = await engine.issue({ subject: 'alice' })
    state.durable = true
    clock.advance(second)
    await settle()
    expect(asked.slice(1).map((target) => 'id' in target && target.id)).toEqual(expect.arrayContaining(ids))
    expect(await outcome(started, later, undefined, { fresh: true })).toBe('live')
    expect(engine.stats().pendingRevocations).toBe(0)
  })

  it('of everyone is refused and not repeated: that would end sessions issued since', async () => {
    const started = forgetful('refuse')
    const { engine, clock, asked } = started
    const before = await engine.issue({ subject: 'alice' })
    await expect(engine.revokeAll()).rejects.toMatchObject(unavailable)
    clock.advance(1)
    const later = await engine.issue({ subject: 'alice' })
    clock.advance(10 * second)
    await settle()
    expect(asked).toHaveLength(1)
    expect(await outcome(started, before)).toBe('everyone-out')
    expect(await outcome(started, later)).toBe('live')
  })

  it('that failed at first is still repeated until it is durable', async () => {
    const inner = memoryStore()
    let answers: ('fails' | 'lost' | 'kept')[] = ['fails', 'lost', 'lost', 'kept']
    const store: Store = {
      ...inner,
      revoke: async (target, revocation) => {
        const [answer, ...rest] = answers
        answers = rest
        if (answer === 'fails') throw new Error('refused')
        return { ...(await inner.revoke(target, revocation)), durable: answer === 'kept' }
      },
    }
    const { engine, clock } = start({ store, durableRevocation: 'refuse' })
    await engine.issue({ subject: 'alice' })
    await expect(engine.revoke({ subject: 'alice' })).rejects.toMatchObject(unavailable)
    for (let round = 0; round < 6 && answers.length > 0; round += 1) {
      clock.advance(second)
      await settle()
    }
    await settle()
    expect(answers).toEqual([])
    expect(engine.stats().pendingRevocations).toBe(0)
  })
})
