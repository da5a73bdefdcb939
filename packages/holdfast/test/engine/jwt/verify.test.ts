import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../../src/store/memory.ts'
import { fakeClock } from '../../../src/testing/index.ts'
import { minute, must, newerSecret, outcomeOf, secret, start } from '../support/start.ts'
import { allMethods, failingStore, holdingStore } from '../support/stores.ts'
import { forge, keyOptions, now } from './forge.ts'
import { accessTokens, claimsOf, granted, jwt, lifetime, recordOf, sign } from './granted.ts'
import { hostile, p256Order } from './hostile.ts'

async function started() {
  const node = start({ jwt })
  const id = await granted(node)
  return { ...node, id, token: await sign(node, id) }
}

describe('a JWT of a live session', () => {
  it('is live, and from then on answered at once', async () => {
    const { engine, id, token } = await started()
    const verdict = await engine.verify(token)
    expect(verdict).toMatchObject({ status: 'live', session: { id, subject: 'alice', amr: ['pwd'], elevatedUntil: null } })
    expect(engine.verify(token)).toBe(verdict)
  })

  it('is none of ours without the option', async () => {
    const { token, store, clock } = await started()
    const plain = start({ store, clock })
    expect(outcomeOf(await plain.engine.verify(token))).toBe('invalid')
    expect(plain.engine.jwks()).toEqual({ keys: [] })
  })

  it('dies with its session, on the node that revokes and on another that remembers it', async () => {
    const here = await started()
    const there = start({ jwt, store: here.store, clock: here.clock, seed: 2 })
    for (const { engine } of [here, there]) expect(outcomeOf(await engine.verify(here.token))).toBe('live')
    await here.engine.revoke({ session: here.id }, { reason: 'admin' })
    for (const { engine } of [here, there]) {
      expect(await engine.verify(here.token)).toEqual({ status: 'dead', reason: 'admin' })
    }
  })

  it('dies with its session in the other spelling of its signature too, which anybody can make', async () => {
    const keys = keyOptions.filter(({ algorithm }) => algorithm === 'ES256')
    const node = start({ jwt: { ...jwt, keys } })
    const id = await granted(node)
    const token = await sign(node, id, { tokens: accessTokens({ ...jwt, keys }) })
    const [header, payload, signature = ''] = token.split('.')
    const halves = Buffer.from(signature, 'base64url')
    const twin = p256Order - BigInt(`0x${halves.toString('hex', 32)}`)
    halves.write(twin.toString(16).padStart(64, '0'), 32, 'hex')
    const both = [token, `${header}.${payload}.${halves.toString('base64url')}`]
    for (const spelled of both) expect(outcomeOf(await node.engine.verify(spelled))).toBe('live')
    await node.engine.revoke({ session: id }, { reason: 'admin' })
    for (const spelled of both) expect(outcomeOf(await node.engine.verify(spelled))).toBe('admin')
  })

  it('dies at its expiry although its session lives and the answer was remembered', async () => {
    const { engine, clock, id, token, store } = await started()
    expect(outcomeOf(await engine.verify(token))).toBe('live')
    clock.advance(lifetime - 1)
    expect(outcomeOf(await engine.verify(token))).toBe('live')
    expect(engine.verify(token)).not.toBeInstanceOf(Promise)
    clock.advance(1)
    expect(outcomeOf(await engine.verify(token))).toBe('token-expired')
    expect(outcomeOf(await engine.verify(await sign({ store, clock }, id)))).toBe('live')
  })

  it('dies when its session is swept away', async () => {
    const { token } = await started()
    const empty = start({ jwt })
    expect(outcomeOf(await empty.engine.verify(token))).toBe('not-found')
  })

  it('is unknown, not dead, while the store does not answer, and changes nothing', async () => {
    const failing = failingStore(memoryStore())
    const node = start({ jwt, store: failing.store, maxStaleness: 0 })
    const id = await granted(node)
    const token = await sign(node, id)
    failing.failing = allMethods
    expect(await node.engine.verify(token)).toMatchObject({ status: 'unknown', code: 'store-unavailable' })
    failing.recover()
    expect(outcomeOf(await node.engine.verify(token))).toBe('live')
  })

  it('is not remembered when its session was revoked while the record was read', async () => {
    const holding = holdingStore(memoryStore())
    const node = start({ jwt, store: holding.store })
    const id = await granted(node)
    const token = await sign(node, id)
    holding.holding = new Set(['get'])
    const checking = node.engine.verify(token)
    must(holding.held[0]).run()
    await node.engine.revoke({ session: id }, { reason: 'admin' })
    must(holding.held[0]).answer()
    await checking
    holding.holding = new Set()
    expect(outcomeOf(await node.engine.verify(token))).toBe('admin')
  })
})

describe('keys', () => {
  it('rotate with the secrets: the newest signs, listed ones verify, removed ones refuse', async () => {
    const { store, clock, id, token: old } = await started()
    const both = [newerSecret, secret] as const
    const rotated = start({ jwt, store, clock, secret: both })
    const renewed = await sign({ store, clock }, id, { tokens: accessTokens(jwt, both) })
    for (const token of [old, renewed]) expect(outcomeOf(await rotated.engine.verify(token))).toBe('live')

    const removed = start({ jwt, store, clock, secret: newerSecret })
    expect(outcomeOf(await removed.engine.verify(renewed))).toBe('live')
    expect(outcomeOf(await removed.engine.verify(old))).toBe('invalid')
    expect(removed.events.at(-1)).toMatchObject({ kind: 'session_token_invalid', outcome: 'unknown-key' })
    expect(rotated.engine.jwks().keys.map(({ kid }) => kid)).toEqual(
      [...removed.engine.jwks().keys, ...start({ jwt }).engine.jwks().keys].map(({ kid }) => kid),
    )
  })

  it('that are listed second verify before the first token is signed with them', async () => {
    const { store, clock, id } = await started()
    const overlapping = start({ jwt, store, clock, secret: [secret, newerSecret] })
    const early = await sign({ store, clock }, id, { tokens: accessTokens(jwt, [newerSecret, secret]) })
    expect(outcomeOf(await overlapping.engine.verify(early))).toBe('live')
  })

  it.each(['EdDSA', 'ES256', 'HS256'] as const)('are the same on every node that has the secret: %s', async (algorithm) => {
    const own = { ...jwt, algorithm }
    const store = memoryStore()
    const here = start({ jwt: own, store })
    const there = start({ jwt: own, store, clock: here.clock, seed: 2 })
    const token = await sign(here, await granted(here), { tokens: accessTokens(own) })
    expect(outcomeOf(await there.engine.verify(token))).toBe('live')
    expect(there.engine.jwks()).toEqual(here.engine.jwks())
    expect(there.engine.jwks().keys).toHaveLength(algorithm === 'HS256' ? 0 : 1)
  })

  it('of another algorithm are other keys: a token outlives no change of it', async () => {
    const { store, clock, token } = await started()
    const changed = start({ jwt: { ...jwt, algorithm: 'ES256' }, store, clock })
    expect(outcomeOf(await changed.engine.verify(token))).toBe('invalid')
  })
})

describe('the rights of a step-up', () => {
  async function raised() {
    const node = await started()
    await node.engine.elevate(node.id, { amr: ['otp'], acr: 'aal2', forMs: 5 * minute })
    return { ...node, elevated: await sign(node, node.id, { elevated: true }) }
  }

  it('are in a token that was signed with them, and in no other', async () => {
    const { engine, token, elevated } = await raised()
    expect(await engine.verify(elevated)).toMatchObject({ session: { amr: ['pwd', 'otp'], acr: 'aal2' } })
    expect(await engine.verify(token)).toMatchObject({ status: 'live', session: { amr: ['pwd'], elevatedUntil: null } })
  })

  it('end with the step-up, also where they were remembered; the token goes on without them', async () => {
    const { engine, clock, elevated } = await raised()
    expect(await engine.verify(elevated)).toMatchObject({ session: { elevatedUntil: clock.now() + 5 * minute } })
    clock.advance(5 * minute)
    expect(await engine.verify(elevated)).toMatchObject({ status: 'live', session: { elevatedUntil: null, amr: ['pwd'] } })
  })

  it('of a later step-up are not in a token of an earlier one', async () => {
    const { engine, clock, id, elevated } = await raised()
    for (const passed of [minute, 6 * minute]) {
      clock.advance(passed)
      await engine.elevate(id, { amr: ['hwk'] })
      const verdict = await engine.verify(elevated)
      expect(verdict).toMatchObject({ status: 'live', session: { amr: ['pwd'], acr: null, elevatedUntil: null } })
    }
  })

  it('are not had by a token that only says so', async () => {
    const node = start({ jwt: { ...jwt, keys: keyOptions } })
    const id = await granted(node)
    const token = await sign(node, id, { tokens: accessTokens({ ...jwt, keys: keyOptions }) })
    await node.engine.elevate(id, { amr: ['otp'], acr: 'aal2' })
    const claims = claimsOf(token)
    expect(await node.engine.verify(forge({ claims: { ...claims, amr: ['pwd', 'otp'], acr: 'aal2' } }))).toMatchObject({
      session: { amr: ['pwd'], acr: null, elevatedUntil: null },
    })
  })

  it('are not signed once the step-up has ended', async () => {
    const { clock, store, id, engine } = await raised()
    clock.advance(5 * minute)
    const late = await sign({ clock, store }, id, { elevated: true })
    expect(claimsOf(late)).toMatchObject({ amr: ['pwd'] })
    expect(await engine.verify(late)).toMatchObject({ session: { elevatedUntil: null } })
  })
})

describe('a hostile token', () => {
  const ofJwt = hostile.filter(([, token]) => token.startsWith('eyJ'))

  it.each(ofJwt)('%s is dead before the store is asked, and the event says why', async (_, token, problem) => {
    const failing = failingStore(memoryStore())
    const { engine, events } = start({ jwt: { ...jwt, keys: keyOptions }, store: failing.store, clock: fakeClock(now * 1000) })
    const reason = problem === 'expired' ? 'token-expired' : 'invalid'
    for (const fresh of [false, true]) expect(engine.verify(token, undefined, { fresh })).toEqual({ status: 'dead', reason })
    expect(failing.calls).toEqual([])
    const kind = problem === 'expired' ? 'session_use_after_expire' : 'session_token_invalid'
    expect(events.at(-1)).toMatchObject({ kind, session: null, outcome: problem === 'expired' ? null : problem })
  })

  it('leaves the session that it names as it was', async () => {
    const node = start({ jwt: { ...jwt, keys: keyOptions } })
    const id = await granted(node)
    const before = await recordOf(node.store, id)
    for (const [, token] of hostile) expect((await node.engine.verify(token)).status).toBe('dead')
    const named = forge({ claims: { sid: id, jti: 'forged' } })
    expect((await node.engine.verify(named)).status).toBe('dead')
    await node.engine.sweep()
    expect(await recordOf(node.store, id)).toEqual(before)
  })
})
