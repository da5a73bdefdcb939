import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import { hour, must, outcome, second, settle, start } from './support/start.ts'
import { allMethods, failingStore } from './support/stores.ts'

function down() {
  const failing = failingStore(memoryStore())
  return { failing, ...start({ store: failing.store }) }
}

describe('revokeToken', () => {
  it('ends the session that a token opens, once', async () => {
    const started = start()
    const alice = await started.engine.issue({ subject: 'alice' })
    const bob = await started.engine.issue({ subject: 'bob' })
    expect(await started.engine.revokeToken(alice.token)).toMatchObject({ revoked: [alice.session.id] })
    expect(await started.engine.revokeToken(alice.token)).toMatchObject({ revoked: [] })
    expect(await outcome(started, alice)).toBe('logout')
    expect(await outcome(started, bob)).toBe('live')
  })

  it('ends nothing for what is no token, and nothing for a secret that was replaced', async () => {
    const started = start()
    const before = await started.engine.issue({ subject: 'alice' })
    const after = must(await started.engine.regenerate(before.session.id))
    for (const token of ['', 'hf1_', before.token.slice(0, -1), `${before.token}x`, before.token]) {
      expect(await started.engine.revokeToken(token)).toEqual({ revoked: [], durable: true })
    }
    expect(await outcome(started, after)).toBe('live')
  })

  it('with a store that answers nothing is a fault, holds here once it answers, and is recorded then', async () => {
    const started = down()
    const { engine, clock, failing, store } = started
    const alice = await engine.issue({ subject: 'alice' })
    failing.failing = allMethods
    await expect(engine.revokeToken(alice.token)).rejects.toMatchObject({ code: 'store-unavailable', retryAfter: 1 })
    expect(await outcome(started, alice)).toBe('store-unavailable')
    failing.recover()
    expect(await outcome(started, alice)).toBe('logout')
    clock.advance(second)
    await settle()
    expect(await outcome(start({ store, clock }), alice)).toBe('logout')
  })

  it('with a store that answers nothing does not let a replaced secret end the session later', async () => {
    const started = down()
    const { engine, clock, failing } = started
    const before = await engine.issue({ subject: 'alice' })
    const after = must(await engine.regenerate(before.session.id))
    failing.failing = allMethods
    await expect(engine.revokeToken(before.token)).rejects.toThrow()
    failing.recover()
    expect(await outcome(started, after)).toBe('live')
    clock.advance(hour / 4)
    await settle()
    expect(await outcome(started, after)).toBe('live')
  })

  it('does not put aside an order of the same session that waits already', async () => {
    const started = down()
    const { engine, failing } = started
    const alice = await engine.issue({ subject: 'alice' })
    failing.failing = allMethods
    await expect(engine.revoke({ session: alice.session.id }, { reason: 'admin' })).rejects.toThrow()
    await expect(engine.revokeToken(alice.token)).rejects.toThrow()
    failing.recover()
    expect(await outcome(started, alice)).toBe('admin')
  })
})
