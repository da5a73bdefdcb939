import { describe, expect, it } from 'vitest'
import type { EngineApi } from '../../src/engine/api.ts'
import type { IssuedTokens, RefreshContext } from '../../src/engine/session.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { chrome, firefox, minute, must, outcome, type StartOptions, second, start } from './support/start.ts'

const grace = 30 * second

async function granted(options: StartOptions = {}) {
  const started = start(options)
  const issued = await started.engine.issueTokens({ subject: 'alice', context: firefox })
  started.told()
  return { ...started, issued, id: issued.session.id, first: issued.refreshToken }
}

type Refreshing = { readonly engine: EngineApi }

/** The tokens of a refresh that must succeed. */
async function next({ engine }: Refreshing, token: string, context: RefreshContext = firefox): Promise<IssuedTokens> {
  const verdict = await engine.refresh(token, context)
  if (verdict.status !== 'live') throw new TypeError(`expected to be refreshed: ${JSON.stringify(verdict)}`)
  return verdict
}

async function refused({ engine }: Refreshing, token: string, context: RefreshContext = firefox) {
  const verdict = await engine.refresh(token, context)
  return verdict.status === 'dead' ? verdict.reason : verdict.status
}

/** A failover to a replica that never heard of the rotation, played by a store that starts from the old record. */
async function rotatedAndLost() {
  const started = await granted()
  const before = must(await started.store.get(started.id))
  const lost = await next(started, started.first)
  const replica = memoryStore()
  await replica.insert({ ...before, revision: 0 })
  return { started, lost, after: start({ store: replica, clock: started.clock, seed: 3 }) }
}

describe('a refresh', () => {
  it('gives a successor and a new access token; earlier access tokens stay good', async () => {
    const started = await granted()
    const renewed = await next(started, started.first)
    expect(renewed.refreshToken).toMatch(/^hfr1_/)
    expect(renewed.refreshToken).not.toBe(started.first)
    expect(renewed.session.id).toBe(started.id)
    for (const token of [renewed.accessToken, started.issued.accessToken])
      expect(await outcome(started, { token }, firefox)).toBe('live')
    expect(started.told()).toEqual(['session_renewed'])
  })

  it('moves the idle limit on, and never the absolute one', async () => {
    const started = await granted({ tokens: { accessLifetime: '1m', idle: '1h', absolute: '150m' } })
    let { refreshToken, session } = started.issued
    const ends = session.absoluteExpiresAt
    for (let at = 0; at < 2; at += 1) {
      started.clock.advance(59 * minute)
      ;({ refreshToken, session } = await next(started, refreshToken))
      expect(session.absoluteExpiresAt).toBe(ends)
    }
    expect(session.idleExpiresAt).toBe(ends)
    started.clock.jumpTo(ends)
    expect(await refused(started, refreshToken)).toBe('absolute-timeout')
  })

  it('is refused when the session was idle too long', async () => {
    const started = await granted({ tokens: { accessLifetime: '1m', idle: '1h' } })
    started.clock.advance(60 * minute)
    expect(await refused(started, started.first)).toBe('idle-timeout')
  })

  it('of a revoked session gives the reason, and revives nothing', async () => {
    const started = await granted()
    await started.engine.revoke({ session: started.id }, { reason: 'logout' })
    expect(await refused(started, started.first)).toBe('logout')
    expect(must(await started.engine.get(started.id)).reason).toBe('logout')
  })

  it('refuses what is no refresh token of ours and changes nothing', async () => {
    const started = await granted()
    const { first, engine } = started
    const before = await started.store.get(started.id)
    const other = (await engine.issueTokens({ subject: 'bob' })).refreshToken
    const forgeries = [
      first.slice(0, -1),
      `${first}A`,
      `hfr1_${'A'.repeat(104)}`,
      // The body of one session's token under the id of another's, and the other way round.
      first.slice(0, 9) + other.slice(9, 33) + first.slice(33),
      other.slice(0, 33) + first.slice(33),
      first.slice(0, 60) + (first[60] === 'A' ? 'B' : 'A') + first.slice(61),
      'x'.repeat(100_000),
      'undefined',
    ]
    for (const forged of forgeries) expect(await refused(started, forged)).toBe('invalid')
    for (const nothing of [null, undefined, ''])
      expect(await engine.refresh(nothing, firefox)).toEqual({ status: 'dead', reason: 'missing' })
    expect(await engine.refresh(7 as never)).toEqual({ status: 'dead', reason: 'invalid' })
    expect(await started.store.get(started.id)).toEqual(before)
    await next(started, first)
  })

  it('names its session to a caller that must know before it decides', async () => {
    const { engine, id, first } = await granted()
    expect(engine.sessionOf(first)).toBe(id)
    expect(engine.sessionOf(`${first.slice(0, -1)}${first.endsWith('A') ? 'B' : 'A'}`)).toBeUndefined()
    expect(engine.sessionOf('x'.repeat(1000))).toBeUndefined()
  })
})

describe('inside the grace window', () => {
  it('the same client gets the same successor again, on any node, and nothing more is spent', async () => {
    const store = memoryStore()
    const started = await granted({ store })
    const other = start({ store, clock: started.clock, seed: 2 })
    const { refreshToken } = await next(started, started.first)
    const before = await store.get(started.id)
    started.clock.advance(grace - 1)
    for (const node of [started, other]) expect((await next(node, started.first)).refreshToken).toBe(refreshToken)
    expect(await store.get(started.id)).toEqual(before)
    expect(started.told()).toEqual(['session_renewed', 'session_refresh_repeated'])
    await next(other, refreshToken)
  })

  it('of 64 at once one rotates and 63 get the same successor', async () => {
    const started = await granted()
    const all = await Promise.all(Array.from({ length: 64 }, () => next(started, started.first)))
    expect(new Set(all.map(({ refreshToken }) => refreshToken)).size).toBe(1)
    const told = started.told()
    expect(told.filter((kind) => kind === 'session_renewed')).toHaveLength(1)
    expect(told.filter((kind) => kind === 'session_refresh_repeated')).toHaveLength(63)
    for (const { accessToken } of all) expect(await outcome(started, { token: accessToken }, firefox)).toBe('live')
  })

  it('a late request is led to the current token, however many rotations it missed', async () => {
    const started = await granted()
    let current = started.first
    for (let at = 0; at < 10; at += 1) {
      started.clock.advance(second)
      current = (await next(started, current)).refreshToken
    }
    expect((await next(started, started.first)).refreshToken).toBe(current)
  })

  it('is not stretched by rotating on: a spent token has its own window', async () => {
    const started = await granted()
    let current = started.first
    for (let at = 0; at < 31; at += 1) {
      current = (await next(started, current)).refreshToken
      started.clock.advance(second)
    }
    expect(await refused(started, started.first)).toBe('reuse')
  })

  it('a token that was exchanged too often is answered with itself, so that the record stays small', async () => {
    const started = await granted()
    const seen = new Set<string>()
    let current = started.first
    for (let at = 0; at < 100; at += 1) {
      current = (await next(started, current)).refreshToken
      seen.add(current)
    }
    expect(seen.size).toBe(32)
    expect(must((await started.store.get(started.id))?.nonce).length).toBeLessThan(1200)
    started.clock.advance(grace)
    expect(seen.has((await next(started, current)).refreshToken)).toBe(false)
  })

  it('another bound client is a thief', async () => {
    const started = await granted()
    const { refreshToken, accessToken } = await next(started, started.first)
    expect(await refused(started, started.first, chrome)).toBe('reuse')
    expect(await refused(started, refreshToken)).toBe('reuse')
    expect(await outcome(started, { token: accessToken }, firefox)).toBe('reuse')
    expect(started.events).toContainEqual(
      expect.objectContaining({ kind: 'authn_token_reuse', session: started.id, reason: 'other-client', outcome: 'session' }),
    )
  })

  it('another client passes where fingerprints are off', async () => {
    const started = await granted({ fingerprint: 'off' })
    const { refreshToken } = await next(started, started.first)
    expect((await next(started, started.first, chrome)).refreshToken).toBe(refreshToken)
  })

  it('another network is no other client', async () => {
    const started = await granted()
    const { refreshToken } = await next(started, started.first)
    expect((await next(started, started.first, { ...firefox, ip: '198.51.100.9' })).refreshToken).toBe(refreshToken)
  })

  it('of no length makes every repetition a reuse', async () => {
    const started = await granted({ tokens: { grace: 0 } })
    await next(started, started.first)
    expect(await refused(started, started.first)).toBe('reuse')
  })
})

describe('reuse', () => {
  it('after the window ends the family, on every node and after a restart', async () => {
    const store = memoryStore()
    const started = await granted({ store })
    const { refreshToken, accessToken } = await next(started, started.first)
    const other = start({ store, clock: started.clock })
    expect(await outcome(other, { token: accessToken }, firefox)).toBe('live')
    started.clock.advance(grace)
    const restarted = start({ store, clock: started.clock })
    expect(await refused(restarted, started.first)).toBe('reuse')
    for (const node of [started, other, restarted]) {
      expect(await refused(node, refreshToken)).toBe('reuse')
      expect(await outcome(node, { token: accessToken }, firefox)).toBe('reuse')
    }
    expect(restarted.events[0]).toMatchObject({
      kind: 'authn_token_reuse',
      session: started.id,
      subject: 'alice',
      ip: firefox.ip,
      reason: 'late',
      outcome: 'session',
    })
  })

  it('leaves the subject’s other sessions alone by default, and ends them all where asked', async () => {
    for (const onReuse of ['session', 'subject'] as const) {
      const started = await granted({ tokens: { onReuse } })
      const other = await started.engine.issue({ subject: 'alice' })
      const stranger = await started.engine.issue({ subject: 'bob' })
      await next(started, started.first)
      started.clock.advance(grace)
      expect(await refused(started, started.first)).toBe('reuse')
      expect(await outcome(started, other)).toBe(onReuse === 'session' ? 'live' : 'reuse')
      expect(await outcome(started, stranger)).toBe('live')
    }
  })

  it('is seen in a token of a forked line, and not in one that the store has lost', async () => {
    const { started, lost, after } = await rotatedAndLost()
    expect(await refused(after, lost.refreshToken)).toBe('superseded')
    const forked = await next(after, started.first)
    expect(forked.refreshToken).not.toBe(lost.refreshToken)
    expect(await refused(after, lost.refreshToken)).toBe('reuse')
    expect(after.events.find(({ kind }) => kind === 'authn_token_reuse')).toMatchObject({ reason: 'stray' })
  })

  it('is seen in a token of a forked line also while the line it would belong to is in its grace window', async () => {
    const { started, lost, after } = await rotatedAndLost()
    const forked = await next(after, started.first)
    await next(after, forked.refreshToken)
    expect(await refused(after, lost.refreshToken)).toBe('reuse')
    expect(after.events.find(({ kind }) => kind === 'authn_token_reuse')).toMatchObject({ reason: 'stray' })
  })
})

describe('the client of a refresh', () => {
  it('of another kind is refused as elsewhere, spending nothing', async () => {
    const started = await granted()
    expect(await refused(started, started.first, chrome)).toBe('binding-mismatch')
    await next(started, started.first)
  })

  it('ends the session where the policy says so', async () => {
    const started = await granted({ fingerprint: 'revoke' })
    expect(await refused(started, started.first, chrome)).toBe('binding-mismatch')
    expect(await refused(started, started.first)).toBe('binding-mismatch')
  })

  it('is asked for a step-up where the policy says so, and its address is not taken over', async () => {
    const started = await granted({ ipChange: 'step-up' })
    const { session, refreshToken } = await next(started, started.first, { ...firefox, ip: '198.51.100.9' })
    expect(session).toMatchObject({ stepUpRequired: true, lastIp: firefox.ip })
    expect((await next(started, refreshToken)).session.stepUpRequired).toBe(false)
  })

  it('must be the one that the tokens were issued to (RFC 6749 section 6)', async () => {
    const started = start()
    const { refreshToken } = await started.engine.issueTokens({ subject: 'alice', clientId: 'cli' })
    expect(await refused(started, refreshToken, {})).toBe('binding-mismatch')
    expect(await refused(started, refreshToken, { clientId: 'other' })).toBe('binding-mismatch')
    const renewed = await next(started, refreshToken, { clientId: 'cli' })
    expect((await next(started, refreshToken, { clientId: 'cli' })).refreshToken).toBe(renewed.refreshToken)
    expect(await refused(started, refreshToken, { clientId: 'other' })).toBe('reuse')
  })
})
