/** What a thief of the key that signs can do: to others what we said, and here nothing. */
import { describe, expect, it } from 'vitest'
import { stepUpMark } from '../../../src/engine/assurance.ts'
import { memoryStore } from '../../../src/store/memory.ts'
import { must, outcomeOf, start } from '../support/start.ts'
import { failingStore } from '../support/stores.ts'
import { audience, forge, keyOptions, now } from './forge.ts'
import { accessTokens, claimsOf, granted, jwt, lifetime, recordOf, sign } from './granted.ts'

describe('a leaked signing key', () => {
  /** A node whose key the thief of `forge` has too; its tokens differ from the thief's in the tag alone. */
  async function robbed() {
    const node = start({ jwt: { ...jwt, keys: keyOptions } })
    const tokens = accessTokens({ ...jwt, keys: keyOptions })
    const id = await granted(node)
    const token = await sign(node, id, { tokens })
    const claims = claimsOf(token)
    return { ...node, id, tokens, claims, other: await granted(node) }
  }

  it('lets the thief sign again what we said', async () => {
    const { engine, claims } = await robbed()
    expect(outcomeOf(await engine.verify(forge({ claims })))).toBe('live')
  })

  it.each([
    ['a token id of the thief', { jti: 'A'.repeat(34) }],
    ['a token id that is too short', { jti: 'A' }],
    ['a token id of characters of several bytes', { jti: '\u00e9'.repeat(34) }],
    ['a later end', { exp: now + 86_400 }],
    ['an earlier beginning', { iat: now - 1 }],
    ['another subject', { sub: 'mallory' }],
  ])('opens no session by %s', async (_, changed) => {
    const { engine, claims, events } = await robbed()
    expect(outcomeOf(await engine.verify(forge({ claims: { ...claims, ...changed } })))).toBe('superseded')
    expect(events.at(-1)).toMatchObject({ kind: 'session_token_superseded' })
  })

  it('opens no other session by the id of the token of one', async () => {
    const { engine, store, claims, other } = await robbed()
    expect((await recordOf(store, other)).grant).not.toBeNull()
    expect(outcomeOf(await engine.verify(forge({ claims: { ...claims, sid: other } })))).toBe('superseded')
  })

  it('opens no session by the tag of a token under another nonce', async () => {
    const { engine, claims } = await robbed()
    const jti = `AAAAaaaaAAAA${String(claims.jti).slice(12)}`
    expect(outcomeOf(await engine.verify(forge({ claims: { ...claims, jti } })))).toBe('superseded')
  })

  it('opens no session by a token that was made for somebody else', async () => {
    const { engine, store, clock, id, tokens } = await robbed()
    const theirs = await recordOf(store, id)
    const given = { expiresAt: clock.now() + lifetime, now: clock.now() }
    for (const elsewhere of ['https://other.example', `a.${audience}`, `a,${audience}`]) {
      const claims = claimsOf(tokens.sign(theirs, { ...given, audience: elsewhere }))
      const tag = String(claims.jti).slice(0, 34)
      for (const jti of [tag, `${tag}.a`]) {
        for (const aud of [audience, [audience], ['a', audience]])
          expect(outcomeOf(await engine.verify(forge({ claims: { ...claims, jti, aud } })))).toBe('superseded')
      }
    }
  })

  it('raises no token to the rights of a step-up that the thief did not make', async () => {
    const { engine, store, id, claims } = await robbed()
    await engine.elevate(id, { amr: ['otp'], acr: 'aal2' })
    const mark = stepUpMark((await recordOf(store, id)).elevation).toString(36)
    expect(outcomeOf(await engine.verify(forge({ claims: { ...claims, jti: claims.jti + mark } })))).toBe('superseded')
  })

  it('opens nothing together with the whole secret, without the salt that the store has', async () => {
    const node = start({ jwt })
    const record = await recordOf(node.store, await granted(node))
    const guessed = { ...record, grant: { ...must(record.grant ?? undefined), salt: 'AAAA' } }
    const token = accessTokens().sign(guessed, { expiresAt: node.clock.now() + lifetime, now: node.clock.now() })
    expect(outcomeOf(await node.engine.verify(token))).toBe('superseded')
  })

  it('opens no session that has no access tokens', async () => {
    const { engine, claims } = await robbed()
    const { session } = await engine.issue({ subject: 'alice' })
    expect(outcomeOf(await engine.verify(forge({ claims: { ...claims, sid: session.id } })))).toBe('superseded')
  })

  it('opens no session of a visitor', async () => {
    const { engine, claims } = await robbed()
    const { session } = await engine.issueAnonymous()
    expect(outcomeOf(await engine.verify(forge({ claims: { ...claims, sid: session.id } })))).toBe('invalid')
  })

  it.each(['../../etc', 'A'.repeat(23), 'A'.repeat(25), 'é'.repeat(24)])('asks no store for the session %j', async (sid) => {
    const failing = failingStore(memoryStore())
    const { engine } = start({ jwt: { ...jwt, keys: keyOptions }, store: failing.store })
    expect(outcomeOf(await engine.verify(forge({ claims: { sid } })))).toBe('invalid')
    expect(failing.calls).toEqual([])
  })
})
