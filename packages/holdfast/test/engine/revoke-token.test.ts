import { describe, expect, it } from 'vitest'
import type { IssuedTokens } from '../../src/engine/session.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { firefox, hour, minute, must, outcome, type Started, second, settle, start } from './support/start.ts'
import { allMethods, failingStore } from './support/stores.ts'

const jwt = { issuer: 'https://auth.example' }
/** What a client may hold of a session that tokens carry, by name. */
const held = ['opaque access token', 'JWT access token', 'refresh token', 'refresh token just spent'] as const

async function grantedWith(started: Pick<Started, 'engine'>, name: (typeof held)[number]) {
  const { engine } = started
  const format = name.startsWith('JWT') ? 'jwt' : 'opaque'
  const issued = await engine.issueTokens({ subject: 'alice', format, audience: 'https://api.example', context: firefox })
  const { accessToken, refreshToken } = issued
  if (name === 'refresh token just spent') await engine.refresh(refreshToken, firefox)
  return { issued, token: name.endsWith('access token') ? accessToken : refreshToken }
}

/** Whether the session has ended, by what the store says. */
async function reasonOf({ engine }: Pick<Started, 'engine'>, { session }: Pick<IssuedTokens, 'session'>) {
  return must(await engine.get(session.id)).reason
}

function down() {
  const failing = failingStore(memoryStore())
  return { failing, ...start({ store: failing.store, jwt }) }
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

describe('revokeToken of a session that tokens carry', () => {
  it.each(held)('ends it by its %s, whatever that is for, and every token of it', async (name) => {
    const started = start({ jwt })
    const { issued, token } = await grantedWith(started, name)
    expect(await started.engine.revokeToken(token)).toMatchObject({ revoked: [issued.session.id] })
    expect(await reasonOf(started, issued)).toBe('logout')
    expect((await started.engine.refresh(issued.refreshToken, firefox)).status).toBe('dead')
  })

  it.each(held)('ends nothing by an %s that opens nothing any more', async (name) => {
    const started = start({ jwt })
    const { issued, token } = await grantedWith(started, name)
    if (name.startsWith('refresh')) await started.engine.refresh(issued.refreshToken, firefox)
    started.clock.advance(15 * minute)
    expect(await started.engine.revokeToken(token)).toEqual({ revoked: [], durable: true })
    expect(await reasonOf(started, issued)).toBeNull()
  })

  it.each(held)('ends nothing by an %s of before a credential change', async (name) => {
    const started = start({ jwt })
    const { issued, token } = await grantedWith(started, name)
    await started.engine.regenerate(issued.session.id)
    expect(await started.engine.revokeToken(token)).toEqual({ revoked: [], durable: true })
    expect(await reasonOf(started, issued)).toBeNull()
  })

  it.each(held)('during an outage holds here by its %s once the store answers, and is recorded then', async (name) => {
    const started = down()
    const { engine, clock, failing, store } = started
    const { issued, token } = await grantedWith(started, name)
    failing.failing = allMethods
    await expect(engine.revokeToken(token)).rejects.toMatchObject({ code: 'store-unavailable' })
    failing.recover()
    expect(await engine.verify(issued.accessToken, firefox)).toMatchObject({ status: 'dead' })
    expect(await engine.refresh(issued.refreshToken, firefox)).toEqual({ status: 'dead', reason: 'logout' })
    clock.advance(second)
    await settle()
    expect(await reasonOf(start({ store, clock, jwt }), issued)).toBe('logout')
    expect(engine.stats().pendingRevocations).toBe(0)
  })

  it('during an outage ends nothing later by a token that was replaced before it', async () => {
    for (const name of held) {
      const started = down()
      const { engine, clock, failing } = started
      const { issued, token } = await grantedWith(started, name)
      const renewed = must(await engine.regenerate(issued.session.id))
      failing.failing = allMethods
      await expect(engine.revokeToken(token)).rejects.toThrow()
      failing.recover()
      clock.advance(second)
      await settle()
      expect(await reasonOf(started, renewed)).toBeNull()
      expect(engine.stats().pendingRevocations).toBe(0)
    }
  })

  it('ends other kinds of session not at all where it is asked to keep to these', async () => {
    const started = start({ jwt })
    const { engine } = started
    const alice = await engine.issue({ subject: 'alice' })
    const visitor = await engine.issueAnonymous()
    for (const { token } of [alice, visitor]) {
      expect(await engine.revokeToken(token, { carriedBy: 'tokens' })).toEqual({ revoked: [], durable: true })
      expect(await outcome(started, { token })).toBe('live')
    }
    for (const name of held) {
      const { issued, token } = await grantedWith(started, name)
      expect(await engine.revokeToken(token, { carriedBy: 'tokens' })).toMatchObject({ revoked: [issued.session.id] })
    }
  })
})
