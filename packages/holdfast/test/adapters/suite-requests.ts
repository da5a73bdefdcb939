/** Visitors, header credentials, guards, bodies and paths. */
import { request as httpRequest } from 'node:http'
import { expect, test } from 'vitest'
import { signIn } from '../http/app.ts'
import { Browser, send } from '../http/harness.ts'
import { type AdapterSetup, codeOf, overTls } from './suite-setup.ts'

export function requestTests(at: AdapterSetup): void {
  test.each(['cookie', 'header'] as const)(
    'an anonymous visitor with a %s signs in: new id, old token dead, data carried',
    async (carrier) => {
      const { browser, token, id } = await at.visitor(carrier)
      expect(token).toMatch(/^hfa1_/)
      const headers = carrier === 'header' ? { 'x-anon-session-token': token } : {}
      expect((await browser.get('/visitor', headers)).json()).toMatchObject({ id, anonymous: true, subject: null })
      const answered = await browser.post('/login', { subject: 'alice' }, headers)
      expect(answered.json().id).not.toBe(id)
      const record = await at.world.holdfast.get(String(answered.json().id))
      expect(record?.attributes).toEqual({ basket: 'full' })
      expect((await browser.get('/me')).json().subject).toBe('alice')
      const old = carrier === 'header' ? { 'x-anon-session-token': token } : { cookie: `session=${token}` }
      expect((await send(at.served.url, { path: '/visitor', headers: old })).status).toBe(carrier === 'header' ? 403 : 401)
    },
  )

  test('a signed-in cookie wins over an anonymous token', async () => {
    const { token } = await at.visitor('header')
    const alice = await at.signedIn()
    expect((await alice.get('/me', { 'x-anon-session-token': token })).json().subject).toBe('alice')
  })

  test('a wrong anonymous token is 403 with one answer, whether the session exists or not', async () => {
    const { browser, token } = await at.visitor('header')
    const signed = (await at.signedIn()).sessionCookie?.[1]
    await browser.post('/auth/logout', {}, { 'x-anon-session-token': token })
    const answers = await Promise.all(
      [token, 'hfa1_x', `hfa1_${'A'.repeat(104)}`, signed, 'x'].map((wrong) =>
        send(at.served.url, { path: '/visitor', headers: { 'x-anon-session-token': wrong } }),
      ),
    )
    for (const answered of answers) expect(codeOf(answered)).toEqual([403, 'anonymous-token-invalid'])
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  })

  test('an anonymous visitor does not pass a guard for signed-in people, nor see a session list', async () => {
    const { token } = await at.visitor('header')
    const headers = { 'x-anon-session-token': token }
    expect(codeOf(await send(at.served.url, { path: '/me', headers }))).toEqual([401, 'session-required'])
    expect(codeOf(await send(at.served.url, { path: '/auth/sessions', headers }))).toEqual([401, 'session-required'])
    expect((await send(at.served.url, { path: '/auth/session', headers })).status).toBe(200)
  })

  test('POST anonymous gives the token in a header, or a cookie when asked, within a budget per source', async () => {
    const start = (json: unknown, headers = {}) => send(at.served.url, { method: 'POST', path: '/auth/anonymous', json, headers })
    const first = await start({})
    expect(first.status).toBe(201)
    expect(first.text).not.toContain('hfa1_')
    expect(
      (
        await send(at.served.url, {
          path: '/visitor',
          headers: { 'x-anon-session-token': first.headers['x-anon-session-token'] as string },
        })
      ).status,
    ).toBe(200)
    const cookie = await start({ carrier: 'cookie' })
    expect(cookie.headers['x-anon-session-token']).toBeUndefined()
    expect(cookie.setCookies.filter((line) => line.startsWith('session=hfa1_'))).toHaveLength(1)
    const more = await Promise.all(Array.from({ length: 64 }, () => start({})))
    expect(more.filter(({ status }) => status === 201)).toHaveLength(8)
    const refused = more.find(({ status }) => status !== 201)
    expect(refused && codeOf(refused)).toEqual([429, 'rate-limited'])
    expect(Number(refused?.headers['retry-after'])).toBeGreaterThan(0)
    expect((await start({}, overTls)).status).toBe(201)
    at.world.clock.advance(60_000)
    expect((await start({})).status).toBe(201)
  })

  test.each([
    ['not JSON', '{', 'application/json', 400],
    ['a list', '[]', 'application/json', 400],
    ['an unknown field', '{"carrier":"cookie","x":1}', 'application/json', 400],
    ['a wrong value', '{"carrier":1}', 'application/json', 400],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 'application/json', 400],
    ['a form', 'carrier=cookie', 'application/x-www-form-urlencoded', 415],
    ['no type', '{}', '', 415],
    ['a type that only starts like JSON', '{}', 'application/jsonp', 415],
  ])('a body that is %s is refused and starts nothing', async (_what, body, type, status) => {
    const answered = await send(at.served.url, {
      method: 'POST',
      path: '/auth/anonymous',
      body,
      headers: { 'content-type': type },
    })
    expect(answered.status).toBe(status)
    expect(answered.headers['content-type']).toContain('application/problem+json')
    expect((await at.world.holdfast.list({ subject: null })).items).toEqual([])
  })

  test('a body beyond 16 KiB is cut off by what arrives, not by what was announced', async () => {
    const { hostname, port } = new URL(at.served.url)
    const status = await new Promise((resolve, reject) => {
      const request = httpRequest({ hostname, port, path: '/auth/anonymous', method: 'POST', agent: false }, (response) => {
        resolve(response.statusCode)
        response.resume()
      })
      request.setHeader('content-type', 'application/json')
      request.setHeader('transfer-encoding', 'chunked')
      request.on('error', reject)
      for (let sent = 0; sent < 5; sent += 1) request.write(' '.repeat(4096))
      request.end('{}')
    })
    expect(status).toBe(413)
    expect((await at.world.holdfast.list({ subject: null })).items).toEqual([])
  })

  test('a bearer token authenticates alone: the cookie is ignored, and a foreign bearer is nobody', async () => {
    const [alice, mallory] = [await at.signedIn(), await at.signedIn('mallory')]
    const bearer = (token: string | undefined) => ({ authorization: `Bearer ${token}` })
    expect((await alice.get('/me', bearer(mallory.sessionCookie?.[1]))).json().subject).toBe('mallory')
    expect(codeOf(await alice.get('/me', bearer('eyJhbGciOi.J9.x')))).toEqual([401, 'session-required'])
    expect((await alice.get('/me', { authorization: 'Basic YTpi' })).json().subject).toBe('alice')
  })

  // Node tells the first of two lines, others the last, and a server of the fetch standard joins them.
  test('of several Authorization headers, or lines of one, no bearer token counts, nor does the cookie beside them', async () => {
    const [alice, mallory] = [await at.signedIn(), await at.signedIn('mallory')]
    const bearer = (token: string | undefined) => `Bearer ${token}`
    const [hers, theirs] = [bearer(alice.sessionCookie?.[1]), bearer(mallory.sessionCookie?.[1])]
    for (const lines of [
      [theirs, hers],
      [hers, hers],
      ['Basic YTpi', theirs],
      [theirs, 'Basic YTpi'],
      [bearer('eyJ'), theirs],
      ['', theirs],
    ]) {
      for (const authorization of [lines, lines.join(', ')]) {
        const answered = await alice.get('/me', { authorization })
        expect(answered.status, JSON.stringify(authorization)).toBe(401)
        expect(answered.text).not.toContain('alice')
      }
    }
    const { status } = await alice.post('/auth/refresh', {}, { authorization: ['Bearer hfr1_a', 'Bearer hfr1_b'] })
    expect(status).toBe(401)
  })

  test('a client that came with a bearer token gets the next one in the answer and no cookie', async () => {
    const token = (await at.signedIn()).sessionCookie?.[1]
    const ask = (path: string, bearer: unknown) =>
      send(at.served.url, { method: 'POST', path, json: {}, headers: { authorization: `Bearer ${bearer}` } })
    const answered = await ask('/elevate', token)
    expect(answered.setCookies).toEqual([])
    expect(answered.headers['cache-control']).toBe('no-store')
    const next = answered.json().token
    expect(next).toMatch(/^hf1_/)
    const assured = await send(at.served.url, { path: '/assured', headers: { authorization: `Bearer ${next}` } })
    expect(assured.status).toBe(200)
  })

  test('what a guard let through is kept by no cache, unless the app says otherwise', async () => {
    const alice = await at.signedIn()
    expect((await alice.get('/me')).headers['cache-control']).toBe('no-store')
    expect((await alice.get('/cached')).headers['cache-control']).toBe('private, max-age=60')
    expect((await alice.get('/public')).headers['cache-control']).toBeUndefined()
  })

  test('attributes are demanded by value: 403 for the wrong role, before the handler', async () => {
    const [alice, root] = [await at.signedIn('alice', { role: 'user' }), await at.signedIn('root', { role: 'admin' })]
    expect(codeOf(await alice.get('/admin'))).toEqual([403, 'forbidden'])
    expect((await root.get('/admin')).status).toBe(200)
  })

  test('with the store down an open page goes on and is told "unknown"', async () => {
    const alice = await at.signedIn()
    at.world.failStore(true)
    at.world.clock.advance(2000)
    const answered = await alice.get('/public')
    expect(answered.status).toBe(200)
    expect(answered.json()).toEqual({ subject: null, id: null, anonymous: false, verdict: 'unknown', ip: '127.0.0.1' })
    expect(answered.setCookies).toEqual([])
    expect(codeOf(await alice.post('/login', { subject: 'alice' }))).toEqual([503, 'store-unavailable'])
  })

  test('a path of ours that is no route goes to the app', async () => {
    for (const path of [
      '/auth',
      '/auth/',
      '/auth/other',
      '/authority',
      '/auth/sessions/a/b',
      '/auth//session',
      '/auth/SESSION',
    ]) {
      expect((await send(at.served.url, { path })).text, path).toBe('app: not found')
    }
  })

  test('the full cap refuses a sign-in when told to, as a problem document', async () => {
    await at.restart({ sessionsPerSubject: { max: 1, whenFull: 'refuse' } })
    await at.signedIn()
    const second = new Browser(at.served.url)
    expect(codeOf(await signIn(second, 'alice'))).toEqual([403, 'session-limit'])
    expect(second.sessionCookie).toBeUndefined()
    expect(codeOf(await signIn(second, ''))).toEqual([400, 'invalid-request'])
  })

  test('Clear-Site-Data is sent when asked for, at sign-out over TLS only', async () => {
    await at.restart({ clearSiteData: ['storage'] })
    const [secure, bare] = [new Browser(at.served.url, overTls), await at.signedIn()]
    await signIn(secure, 'bob')
    expect((await secure.post('/auth/logout')).headers['clear-site-data']).toBe('"storage"')
    expect((await bare.post('/auth/logout')).headers['clear-site-data']).toBeUndefined()
  })
}
