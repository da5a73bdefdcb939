import { inspect } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { holdfastWeb, requireSession } from '../../src/adapters/web.ts'
import type { FinishedResponse } from '../../src/index.ts'
import { createWorld, type World } from './app.ts'

const local = { ip: '127.0.0.1' }
let world: World = createWorld()
afterEach(async () => {
  await world.holdfast.close()
  world = createWorld()
})

function ask(path: string, init: RequestInit = {}): Request {
  return new Request(`http://localhost${path}`, init)
}

async function signedIn(): Promise<string> {
  const held = await world.holdfast.handle(ask('/login', { method: 'POST' }), local)
  await held.signIn({ subject: 'alice' })
  return held
    .finish(new Response())
    .headers.getSetCookie()
    .map((line) => line.split(';', 1)[0])
    .join('; ')
}

describe('a fetch-style request', () => {
  test('is itself what an app reads: session, subject, verdict and the calls', async () => {
    const held = await world.holdfast.handle(ask('/me', { headers: { cookie: await signedIn() } }), local)
    expect([held.subject, held.anonymous, held.verdict.status, held.response]).toEqual(['alice', false, 'live', undefined])
    expect(held.csrfToken).toBe(world.holdfast.csrfToken(held.session?.id ?? ''))
  })

  test('a response that nothing changed goes through as it is', async () => {
    const held = await world.holdfast.handle(ask('/'), local)
    const response = new Response('x')
    expect(held.finish(response)).toBe(response)
  })

  test('a finished response has our cookies on lines of their own, and an immutable one is copied', async () => {
    const held = await world.holdfast.handle(ask('/login', { method: 'POST' }), local)
    await held.signIn({ subject: 'alice' })
    const redirect = held.finish(Response.redirect('http://localhost/home', 303))
    expect([redirect.status, redirect.headers.getSetCookie().length]).toEqual([303, 2])
    expect(redirect.headers.get('cache-control')).toBe('no-store')
  })

  test('a response that an app sends to many requests never takes on the cookies of one', async () => {
    const shared = new Response(null, { status: 204 })
    const held = await world.holdfast.handle(ask('/login', { method: 'POST' }), local)
    await held.signIn({ subject: 'alice' })
    expect(held.finish(shared).headers.getSetCookie()).toHaveLength(2)
    expect([shared.headers.getSetCookie(), shared.headers.get('cache-control')]).toEqual([[], null])
  })

  test('a guarded answer is marked for this client alone, also when its headers cannot be changed', async () => {
    const held = await world.holdfast.handle(ask('/me', { headers: { cookie: await signedIn() } }), local)
    expect(requireSession()(held)).toBeUndefined()
    const plain = Response.json({})
    expect(held.finish(plain)).toBe(plain)
    expect(plain.headers.get('cache-control')).toBe('no-store')
    expect(held.finish(Response.redirect('http://localhost/home', 303)).headers.get('cache-control')).toBe('no-store')
    const cached = new Response('', { headers: { 'cache-control': 'private' } })
    expect(held.finish(cached).headers.get('cache-control')).toBe('private')
  })

  test('only the latest secret of several changes in one request is sent', async () => {
    const held = await world.holdfast.handle(ask('/login', { method: 'POST' }), local)
    await held.signIn({ subject: 'alice' })
    await held.elevate({ amr: ['otp'] })
    const lines = held.finish(new Response()).headers.getSetCookie()
    expect(lines.map((line) => line.split('=', 1)[0])).toEqual(['session', 'csrf_token'])
    const [pair = ''] = lines[0]?.split(';', 1) ?? []
    expect(await world.holdfast.verify(pair.slice('session='.length), { ip: '127.0.0.1' })).toMatchObject({
      status: 'live',
      session: { amr: ['otp'] },
    })
  })

  test('is refused over plain http when the server does not say who is at the other end', async () => {
    const held = await world.holdfast.handle(ask('/me', { headers: { cookie: await signedIn() } }))
    expect(held.response?.status).toBe(403)
    expect((await world.holdfast.handle(ask('/public'))).response).toBeUndefined()
  })

  test.each([undefined, null, 'https://app.example/', { url: '/', headers: {}, method: 'GET' }])(
    'is named when it is none, such as Node’s own: %j',
    async (request) => {
      const refusal = {
        code: 'invalid-request',
        fields: [{ field: 'request', message: 'must be a Request of the fetch standard' }],
      }
      await expect(world.holdfast.handle(request as unknown as Request)).rejects.toMatchObject(refusal)
    },
  )

  test.each([null, '127.0.0.1', { ip: { address: '127.0.0.1' } }])('with what tells no address is refused: %j', async (info) => {
    const refusal = { code: 'invalid-request', fields: [{ field: 'info', message: 'must be an object, its ip text' }] }
    await expect(world.holdfast.handle(ask('/me'), info as never)).rejects.toMatchObject(refusal)
  })

  test('over https gets the prefixed cookies', async () => {
    const held = await world.holdfast.handle(new Request('https://app.example/login', { method: 'POST' }))
    await held.signIn({ subject: 'alice' })
    const names = held
      .finish(new Response())
      .headers.getSetCookie()
      .map((line) => line.split('=', 1)[0])
    expect(names).toEqual(['__Host-Http-session', '__Host-csrf_token'])
  })

  test('what a sign-in changed cannot be dropped unnoticed: the compiler refuses an unfinished response', async () => {
    const held = await world.holdfast.handle(ask('/'), local)
    const finished = (): FinishedResponse => held.finish(new Response('x'))
    // @ts-expect-error a Response that did not go through `finish` may lack our cookies
    const unfinished = (): FinishedResponse => new Response('x')
    expect([await finished().text(), await unfinished().text()]).toEqual(['x', 'x'])
  })

  test('our own origin is the configured one when there is one, whatever host a proxy wrote', async () => {
    world = createWorld({ url: 'https://app.example' })
    const from = (origin: string) =>
      world.holdfast.handle(new Request('https://internal:8443/login', { method: 'POST', headers: { origin } }), local)
    await expect((await from('https://app.example')).signIn({ subject: 'alice' })).resolves.toMatchObject({ token: null })
    await expect((await from('https://internal:8443')).signIn({ subject: 'alice' })).rejects.toMatchObject({
      code: 'csrf-failed',
    })
  })

  test('a sign-in that another site started is refused unless the app vouches for it', async () => {
    const callback = () => ask('/callback?state=checked', { headers: { 'sec-fetch-site': 'cross-site' } })
    const refused = await world.holdfast.handle(callback(), local)
    await expect(refused.signIn({ subject: 'alice' })).rejects.toMatchObject({ code: 'csrf-failed' })
    const vouched = await world.holdfast.handle(callback(), local)
    await expect(vouched.signIn({ subject: 'alice', allowCrossSite: true })).resolves.toMatchObject({ token: null })
  })

  test('a handler may throw what is not ours, and it stays the handler’s', async () => {
    const serve = holdfastWeb(world.holdfast)
    const fault = new Error('of the app')
    await expect(serve(() => Promise.reject(fault))(ask('/'), local)).rejects.toBe(fault)
    expect(() => requireSession()({} as never)).toThrow(/holdfast\.handle/)
  })

  test('a visitor may come from anywhere with GET, not with POST', async () => {
    const foreign = { headers: { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' } }
    const page = await world.holdfast.handle(ask('/', foreign), local)
    await expect(page.startAnonymous()).resolves.toMatchObject({ started: true })
    await expect(page.startAnonymous()).resolves.toMatchObject({ started: false, token: null })
    const form = await world.holdfast.handle(ask('/', { method: 'POST', ...foreign }), local)
    await expect(form.startAnonymous()).rejects.toMatchObject({ code: 'csrf-failed' })
  })

  test('a visitor with a dead session cookie is relieved of it, so that the new token counts', async () => {
    const held = await world.holdfast.handle(ask('/', { headers: { cookie: 'session=dead; csrf_token=x' } }), local)
    await held.startAnonymous()
    const response = held.finish(new Response())
    expect(response.headers.get('x-anon-session-token')).toMatch(/^hfa1_/)
    expect(response.headers.getSetCookie().map((line) => line.includes('Max-Age=0'))).toEqual([true, true])
  })

  test('with the session check undecided nothing is started, and sign-out asks once more', async () => {
    const cookie = await signedIn()
    world.failStore(true)
    world.clock.advance(2000)
    const held = await world.holdfast.handle(ask('/', { headers: { cookie } }), local)
    expect(held.verdict.status).toBe('unknown')
    await expect(held.startAnonymous()).rejects.toMatchObject({ code: 'store-unavailable' })
    await expect(held.elevate({ amr: ['otp'] })).rejects.toMatchObject({ code: 'store-unavailable' })
    world.failStore(false)
    await held.signOut()
    expect(held.finish(new Response()).headers.getSetCookie()).toHaveLength(2)
    const after = await world.holdfast.handle(ask('/', { headers: { cookie } }), local)
    expect(after.verdict).toEqual({ status: 'dead', reason: 'logout' })
  })

  test('what is updated is there for this request and those that come', async () => {
    const cookie = await signedIn()
    const held = await world.holdfast.handle(ask('/', { headers: { cookie } }), local)
    const changed = await held.update((attributes) => ({ ...attributes, theme: 'dark' }))
    expect([changed.attributes, held.session]).toEqual([{ theme: 'dark' }, changed])
    const next = await world.holdfast.handle(ask('/', { headers: { cookie } }), local)
    expect(next.session?.attributes).toEqual({ theme: 'dark' })
  })

  test('an update brings back no session that ended meanwhile, and starts none', async () => {
    const cookie = await signedIn()
    const held = await world.holdfast.handle(ask('/', { headers: { cookie } }), local)
    await world.holdfast.revoke({ subject: 'alice' })
    await expect(held.update((attributes) => attributes)).rejects.toMatchObject({ code: 'session-revoked' })
    expect(held.session).toBeNull()
    const next = await world.holdfast.handle(ask('/', { headers: { cookie } }), local)
    expect(next.verdict.status).toBe('dead')
    const nobody = await world.holdfast.handle(ask('/'), local)
    await expect(nobody.update((attributes) => attributes)).rejects.toMatchObject({ code: 'session-required' })
  })

  test('an update gives the request no right that its check denied', async () => {
    await world.holdfast.close()
    world = createWorld({ fingerprint: 'step-up' })
    const browser = (version: string) => ({ 'user-agent': `Mozilla/5.0 (${version})` })
    const login = await world.holdfast.handle(
      ask('/login', { method: 'POST', headers: browser('X11; Linux x86_64) Firefox/140.0') }),
      local,
    )
    await login.signIn({ subject: 'alice' })
    const cookie = login.finish(new Response()).headers.getSetCookie()[0]?.split(';', 1)[0] ?? ''
    const elsewhere = ask('/', {
      headers: { cookie, ...browser('iPhone; CPU iPhone OS 18_0) Version/18.0 Mobile Safari/604.1') },
    })
    const held = await world.holdfast.handle(elsewhere, local)
    expect(held.session?.stepUpRequired).toBe(true)
    await held.update((attributes) => attributes)
    expect(held.session?.stepUpRequired).toBe(true)
  })

  test('logging a request or turning it into JSON shows no credential', async () => {
    const cookie = await signedIn()
    const held = await world.holdfast.handle(ask('/', { headers: { cookie } }), local)
    for (const shown of [inspect(held, { depth: 10, showHidden: true }), JSON.stringify({ held }), String(held)]) {
      expect(shown).not.toContain('hf1_')
    }
  })

  test('nothing that Holdfast answers holds a token', async () => {
    const cookie = await signedIn()
    const token = /session=([^;]+)/.exec(cookie)?.[1] ?? ''
    for (const path of ['/auth/session', '/auth/sessions']) {
      const held = await world.holdfast.handle(ask(path, { headers: { cookie } }), local)
      const { response } = held
      expect(response?.status).toBe(200)
      const shown = `${await response?.text()} ${JSON.stringify([...(response?.headers ?? [])])}`
      expect(shown).not.toContain(token)
      expect(shown).not.toMatch(/hf[a-z]?1_/)
    }
  })
})
