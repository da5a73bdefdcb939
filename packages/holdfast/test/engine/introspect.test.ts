import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import type { SessionStore } from '../../src/store/store.ts'
import { firefox, minute, must, second, start } from './support/start.ts'
import { allMethods, failingStore } from './support/stores.ts'

const jwt = { issuer: 'https://auth.example' }
const formats = ['opaque', 'jwt'] as const

async function granted(format: (typeof formats)[number], store: SessionStore = memoryStore()) {
  const started = start({ jwt, store })
  const issued = await started.engine.issueTokens({
    subject: 'alice',
    amr: ['pwd'],
    format,
    audience: 'https://api.example',
    clientId: 'cli',
    context: firefox,
  })
  started.told()
  return { ...started, issued, token: issued.accessToken }
}

describe.each(formats)('introspection of an %s access token', (format) => {
  it('tells whose it is, for whom and until when, to somebody who is neither its client nor its audience', async () => {
    const { engine, issued, token, told } = await granted(format)
    expect(await engine.introspect(token)).toMatchObject({
      status: 'live',
      session: { id: issued.session.id, subject: 'alice', amr: ['pwd'], grant: { clientId: 'cli' } },
      expiresAt: issued.accessExpiresAt,
      audience: ['https://api.example'],
      jkt: null,
    })
    expect(told()).toEqual([])
  })

  it('is no activity: the session idles out all the same', async () => {
    const { engine, issued, token, clock } = await granted(format)
    clock.advance(10 * minute)
    await engine.introspect(token)
    clock.advance(2 * second)
    expect(must(await engine.get(issued.session.id)).seenAt).toBe(issued.session.seenAt)
  })

  it('says dead once the token or its session has ended, and why to our own log', async () => {
    const { engine, issued, token, clock, told } = await granted(format)
    await engine.revoke({ session: issued.session.id })
    expect(await engine.introspect(token)).toEqual({ status: 'dead', reason: 'admin' })
    clock.jumpTo(issued.accessExpiresAt)
    expect(await engine.introspect(token)).toEqual({ status: 'dead', reason: 'token-expired' })
    expect(told()).toEqual(['session_revoked', 'session_use_after_revoke', 'session_use_after_expire'])
  })

  it('says dead of a token of before a credential change', async () => {
    const { engine, issued, token } = await granted(format)
    await engine.regenerate(issued.session.id)
    expect(await engine.introspect(token)).toEqual({ status: 'dead', reason: 'superseded' })
  })

  it('is unknown while the store does not answer, and dead where its end waits to be recorded', async () => {
    const failing = failingStore(memoryStore())
    const { engine, token } = await granted(format, failing.store)
    failing.failing = allMethods
    await expect(engine.revokeToken(token)).rejects.toThrow()
    expect(await engine.introspect(token)).toMatchObject({ status: 'unknown', code: 'store-unavailable' })
    failing.recover()
    expect(await engine.introspect(token)).toEqual({ status: 'dead', reason: 'logout' })
  })

  it('tells of a step-up in the token that carries it only', async () => {
    const { engine, issued, token } = await granted(format)
    const raised = must(await engine.elevate(issued.session.id, { amr: ['otp'], context: firefox }))
    expect(await engine.introspect(raised.token)).toMatchObject({ session: { amr: ['pwd', 'otp'] } })
    expect(await engine.introspect(token)).toMatchObject({ session: { amr: ['pwd'], elevatedUntil: null } })
  })

  it('vouches for no other kind of credential', async () => {
    const { engine, issued, token } = await granted(format)
    const plain = await engine.issue({ subject: 'alice' })
    const visitor = await engine.issueAnonymous()
    const { ticket } = await engine.issueTicket(plain.session)
    const others = [issued.refreshToken, plain.token, visitor.token, ticket, `${token}A`, token.slice(0, -1), 'x'.repeat(9000)]
    for (const other of others) expect(await engine.introspect(other)).toEqual({ status: 'dead', reason: 'invalid' })
    for (const nothing of [null, undefined, '']) {
      expect(await engine.introspect(nothing)).toEqual({ status: 'dead', reason: 'missing' })
    }
  })
})

it('a token for somebody else is told of, and opens nothing here', async () => {
  const { engine, token } = await granted('jwt')
  expect(await engine.verify(token, firefox)).toEqual({ status: 'dead', reason: 'invalid' })
  expect((await engine.introspect(token)).status).toBe('live')
  expect(await engine.verify(token, firefox)).toEqual({ status: 'dead', reason: 'invalid' })
})
