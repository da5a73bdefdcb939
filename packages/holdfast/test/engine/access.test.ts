import { describe, expect, it } from 'vitest'
import { RandomPool } from '../../src/engine/crypto.ts'
import { createKeyring } from '../../src/engine/keyring.ts'
import { createTokens } from '../../src/engine/token.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { seededRandom } from '../../src/testing/index.ts'
import { chrome, day, firefox, minute, must, newerSecret, outcome, second, secret, start } from './support/start.ts'

async function granted(options: Parameters<typeof start>[0] = {}) {
  const started = start(options)
  const issued = await started.engine.issueTokens({ subject: 'alice', amr: ['pwd'], context: firefox })
  const access = { token: issued.accessToken }
  started.told()
  return { ...started, issued, access, id: issued.session.id }
}

describe('an access token', () => {
  it('opens its session until its own end, which is up to 5 % before the option says', async () => {
    const started = await granted()
    const { issued, clock, access } = started
    const left = issued.accessExpiresAt - clock.now()
    expect(left).toBeLessThanOrEqual(15 * minute)
    expect(left).toBeGreaterThan(15 * minute * 0.95 - second)
    expect(await outcome(started, access, firefox)).toBe('live')
    clock.advance(left - 1)
    expect(await outcome(started, access, firefox)).toBe('live')
    clock.advance(1)
    expect(await outcome(started, access, firefox)).toBe('token-expired')
    expect(await outcome(started, access, firefox, { fresh: true })).toBe('token-expired')
    expect(started.told()).toEqual(['session_use_after_expire', 'session_use_after_expire'])
  })

  it('is not made to end together with the others that were issued with it', async () => {
    const { engine } = start({ sessionsPerSubject: 'unlimited' })
    const ends = new Set<number>()
    for (let at = 0; at < 20; at += 1) ends.add((await engine.issueTokens({ subject: 'alice' })).accessExpiresAt)
    expect(ends.size).toBeGreaterThan(10)
  })

  it('ends with its session at the latest', async () => {
    const { engine, clock } = start({ tokens: { accessLifetime: '15m', idle: '20m', absolute: '20m' } })
    const { refreshToken, session } = await engine.issueTokens({ subject: 'alice' })
    clock.advance(19 * minute)
    const refreshed = await engine.refresh(refreshToken)
    expect(must(refreshed.status === 'live' ? refreshed : undefined).accessExpiresAt).toBe(session.absoluteExpiresAt)
  })

  it('dies with the end of its session, on this node and on another', async () => {
    const store = memoryStore()
    const started = await granted({ store })
    const other = start({ store, clock: started.clock })
    expect(await outcome(other, started.access, firefox)).toBe('live')
    await started.engine.revoke({ session: started.id })
    expect(await outcome(started, started.access, firefox)).toBe('admin')
    expect(await outcome(other, started.access, firefox)).toBe('admin')
  })

  it('keeps its session in use, as any presentation does', async () => {
    const started = await granted({ tokens: { idle: '20m' } })
    const before = started.issued.session.idleExpiresAt
    started.clock.advance(10 * minute)
    expect(await outcome(started, started.access, firefox)).toBe('live')
    started.clock.advance(2 * second)
    expect(must(await started.engine.get(started.id)).idleExpiresAt).toBe(before + 10 * minute)
  })

  it('is compared with the client of its session', async () => {
    const started = await granted()
    expect(await outcome(started, started.access, chrome)).toBe('binding-mismatch')
  })

  it('is answered from memory, and remembered no longer than it is good', async () => {
    const { engine, clock, issued, access, ...started } = await granted()
    const first = engine.verify(access.token, firefox)
    expect(engine.verify(access.token, firefox)).toBe(first)
    clock.jumpTo(issued.accessExpiresAt)
    expect(await outcome({ engine }, access, firefox)).toBe('token-expired')
    expect(started.faults).toEqual([])
  })

  it('tells how the session is carried, and not the salt', async () => {
    const { engine } = start()
    const { session } = await engine.issueTokens({ subject: 'alice', audience: 'https://api.example', clientId: 'cli' })
    expect(session.grant).toEqual({ format: 'opaque', audience: 'https://api.example', clientId: 'cli' })
    expect((await engine.issue({ subject: 'alice' })).session.grant).toBeNull()
  })
})

describe('neither a stolen store nor a stolen key alone', () => {
  it('makes an access token: the store lacks the key, and the key lacks the salt', async () => {
    const started = await granted()
    const { store, id } = started
    const stored = must(await store.get(id))
    const bounds = { id, stepUp: 0, expiresAt: started.clock.now() + minute }
    const make = (key: string, salt: string) =>
      createTokens(createKeyring([key]), new RandomPool(seededRandom(9))).mintAccess({ ...bounds, salt })
    const salt = must(stored.grant).salt
    expect(await outcome(started, { token: make(newerSecret, salt) }, firefox), 'store alone').toBe('invalid')
    expect(await outcome(started, { token: make(secret, 'A'.repeat(43)) }, firefox), 'key alone').toBe('superseded')
    expect(await outcome(started, { token: make(secret, salt) }, firefox), 'both').toBe('live')
    expect(JSON.stringify(stored)).not.toContain(started.issued.refreshToken.slice(-64))
  })

  it('opens a session with a token that says another end than it was made with', async () => {
    const started = await granted()
    const tokens = createTokens(createKeyring([secret]), new RandomPool(seededRandom(9)))
    const parsed = must(tokens.parse(started.access.token))
    const { salt } = must(must(await started.store.get(started.id)).grant)
    expect(tokens.accessDigest(parsed, salt)).toBe(parsed.digest)
    for (const other of [{ expiresAt: must(parsed.expiresAt) + second }, { generation: 1 }, { id: 'x'.repeat(24) }]) {
      expect(tokens.accessDigest({ ...parsed, ...other }, salt)).not.toBe(parsed.digest)
    }
  })
})

describe('kinds are not mistaken for each other:', () => {
  it('a refresh token opens nothing, an access or session token refreshes nothing', async () => {
    const started = await granted()
    const { engine, issued } = started
    const plain = await engine.issue({ subject: 'alice' })
    const visitor = await engine.issueAnonymous()
    const { refreshToken } = issued
    expect(await outcome(started, { token: refreshToken }, firefox)).toBe('invalid')
    expect(await outcome(started, { token: refreshToken.replace('hfr1_', 'hf1_') }, firefox)).toBe('invalid')
    const refused = [plain.token, visitor.token, issued.accessToken, issued.accessToken.replace('hf1_', 'hfr1_')]
    for (const token of refused) expect(await engine.refresh(token)).toEqual({ status: 'dead', reason: 'invalid' })
    expect((await engine.refresh(refreshToken, firefox)).status).toBe('live')
  })

  it('a plain session has no access tokens, although its id and key are known', async () => {
    const started = start()
    const { session } = await started.engine.issue({ subject: 'alice' })
    const tokens = createTokens(createKeyring([secret]), new RandomPool(seededRandom(9)))
    const expiresAt = started.clock.now() + minute
    const token = tokens.mintAccess({ id: session.id, stepUp: 0, expiresAt, salt: '' })
    expect(await outcome(started, { token })).toBe('superseded')
  })
})

describe('a step-up of a session that tokens carry', () => {
  it('gives its rights to the new access token alone, and spends nothing', async () => {
    const started = await granted()
    const { engine, id, access, issued } = started
    const raised = must(await engine.elevate(id, { amr: ['otp'], context: firefox }))
    expect(raised.refreshToken).toBeUndefined()
    const rights = async (token: string) => {
      const verdict = await engine.verify(token, firefox)
      return verdict.status === 'live' ? verdict.session.amr : verdict
    }
    expect(await rights(raised.token)).toEqual(['pwd', 'otp'])
    expect(await rights(access.token)).toEqual(['pwd'])
    const refreshed = await engine.refresh(issued.refreshToken, firefox)
    if (refreshed.status !== 'live') throw new TypeError('expected to live')
    expect(refreshed.session.amr).toEqual(['pwd'])
    expect(await rights(refreshed.accessToken)).toEqual(['pwd'])
    expect(await rights(raised.token)).toEqual(['pwd', 'otp'])
    started.clock.advance(10 * minute)
    expect(await rights(raised.token)).toEqual(['pwd'])
  })

  it('neither raises nor ends an access token of a step-up before it', async () => {
    const started = await granted()
    const first = must(await started.engine.elevate(started.id, { amr: ['otp'], context: firefox }))
    started.clock.advance(minute)
    const second = must(await started.engine.elevate(started.id, { amr: ['hwk'], context: firefox }))
    const other = start({ store: started.store, clock: started.clock })
    for (const node of [started, other]) {
      expect(await node.engine.verify(first.token, firefox)).toMatchObject({
        status: 'live',
        session: { amr: ['pwd'], elevatedUntil: null },
      })
      expect(await node.engine.verify(second.token, firefox)).toMatchObject({ session: { amr: ['pwd', 'hwk'] } })
    }
  })

  it('does not raise one of a step-up that ends at the same instant', async () => {
    const started = await granted({ tokens: { accessLifetime: '1m', idle: '5m', absolute: '5m' } })
    const first = must(await started.engine.elevate(started.id, { amr: ['otp'], context: firefox }))
    started.clock.advance(second)
    const later = must(await started.engine.elevate(started.id, { amr: ['hwk'], context: firefox }))
    expect(later.session.elevatedUntil).toBe(first.session.elevatedUntil)
    expect(await started.engine.verify(first.token, firefox)).toMatchObject({ session: { amr: ['pwd'] } })
  })
})

describe('a new secret for a session that tokens carry', () => {
  it('ends every access token and the refresh token at once', async () => {
    const started = await granted()
    const { engine, id, access, issued } = started
    const renewed = must(await engine.regenerate(id))
    expect(await outcome(started, access, firefox)).toBe('superseded')
    expect(await outcome(started, renewed, firefox)).toBe('live')
    expect(await engine.refresh(issued.refreshToken, firefox)).toEqual({ status: 'dead', reason: 'superseded' })
    expect((await engine.refresh(must(renewed.refreshToken), firefox)).status).toBe('live')
  })

  it('makes the refresh token before it a sign of theft once the grace window has passed', async () => {
    const started = await granted()
    await started.engine.regenerate(started.id)
    started.clock.advance(30 * second)
    expect(await started.engine.refresh(started.issued.refreshToken, firefox)).toEqual({ status: 'dead', reason: 'reuse' })
    expect(must(await started.engine.get(started.id)).reason).toBe('reuse')
  })
})

describe('starting a session with tokens', () => {
  it('gives it limits of its own and counts it as one of the subject’s', async () => {
    const { engine, clock } = start({ sessionsPerSubject: { max: 2 } })
    const first = await engine.issue({ subject: 'alice' })
    clock.advance(1)
    const { session } = await engine.issueTokens({ subject: 'alice' })
    expect(session.idleExpiresAt - session.createdAt).toBe(7 * day)
    expect(session.absoluteExpiresAt - session.createdAt).toBe(30 * day)
    clock.advance(1)
    await engine.issueTokens({ subject: 'alice' })
    expect(await outcome({ engine }, first)).toBe('evicted')
  })

  it('carries a visitor over once', async () => {
    const started = start()
    const { engine } = started
    const visitor = await engine.issueAnonymous({ attributes: { cart: 3 } })
    const input = { subject: 'alice', promotes: visitor.session.id } as const
    expect((await engine.issueTokens(input)).session.attributes).toEqual({ cart: 3 })
    expect(await outcome(started, visitor)).toBe('promoted')
    expect((await engine.issueTokens(input)).session.attributes).toEqual({})
  })

  it.each([
    ['subject', { subject: ' ' }],
    ['format', { format: 'jws' }],
    ['audience', { audience: '' }],
    ['audience', { audience: 'a'.repeat(257) }],
    ['audience', { audience: 'a\u202eb' }],
    ['audience', { audience: ['a'] }],
    ['clientId', { clientId: 'é' }],
    ['clientId', { clientId: 'a\n' }],
    ['label', { label: 'x'.repeat(65) }],
    ['label', { label: 'a\r\nb' }],
  ])('refuses a bad %s and starts nothing', async (field, bad) => {
    const { engine } = start()
    const input = { subject: 'alice', ...(bad as object) }
    await expect(engine.issueTokens(input)).rejects.toMatchObject({ code: 'invalid-request', fields: [{ field }] })
    expect((await engine.list({ liveOnly: false })).items).toEqual([])
  })

  it('hands out nothing and leaves nothing when an access token cannot be made', async () => {
    let draws = 0
    const random = seededRandom(1)
    // The pool lasts for some sixty sessions; its second filling is the one that fails, wherever it falls.
    const started = start({
      sessionsPerSubject: 'unlimited',
      random: (buffer) => {
        if (buffer.length > 1000) draws += 1
        if (draws > 1) throw new Error('no entropy')
        random(buffer)
      },
    })
    let handedOut = 0
    const issueOne = () => started.engine.issueTokens({ subject: 'alice' })
    await expect(
      (async () => {
        for (; handedOut < 500; handedOut += 1) await issueOne()
      })(),
    ).rejects.toMatchObject({ code: 'crypto-unavailable' })
    expect(handedOut).toBeGreaterThan(0)
    expect((await started.engine.list({ limit: 200 })).items).toHaveLength(handedOut)
  })
})
