/** Sign-in, step-up and sign-out through the calls on the request, and the cookies they set. */
import { expect, test } from 'vitest'
import { signIn } from '../http/app.ts'
import { Browser, cookieAttributes, send } from '../http/harness.ts'
import { type AdapterSetup, codeOf, overTls } from './suite-setup.ts'

export function signInTests(at: AdapterSetup): void {
  test('our cookies travel on lines of their own beside the cookies of the app', async () => {
    const answered = await signIn(new Browser(at.served.url), 'alice')
    const names = answered.setCookies.map((line) => line.split('=', 1)[0]).sort()
    expect(names).toEqual(['csrf_token', 'lang', 'session', 'theme'])
    expect(answered.headers['cache-control']).toBe('no-store')
  })

  test('behind TLS the cookies are Secure, prefixed and without a domain', async () => {
    const browser = new Browser(at.served.url, overTls)
    await signIn(browser, 'alice')
    expect((await browser.get('/me')).status).toBe(200)
    await browser.post('/auth/logout')
    const ours = browser.received.filter((line) => line.startsWith('__'))
    expect(ours.map((line) => line.split('=', 1)[0])).toEqual([
      '__Host-Http-session',
      '__Host-csrf_token',
      '__Host-Http-session',
      '__Host-csrf_token',
    ])
    for (const line of ours) {
      const attributes = cookieAttributes(line)
      expect(attributes).toMatchObject({ path: '/', samesite: 'Lax', secure: '' })
      expect(attributes.domain).toBeUndefined()
      expect('httponly' in attributes).toBe(line.startsWith('__Host-Http-session='))
    }
  })

  test('the client address is taken from the proxy, not from the client', async () => {
    const browser = new Browser(at.served.url, { ...overTls, 'x-forwarded-for': '198.51.100.7, 203.0.113.9' })
    await signIn(browser, 'alice')
    const { session } = (await browser.get('/auth/session')).json() as { session: { ip: string } }
    expect(session.ip).toBe('203.0.113.9')
    expect((await browser.get('/public')).json().ip).toBe('203.0.113.9')
  })

  test('over plain http on a named host a session is neither taken nor given, and a public page still works', async () => {
    const plain = { host: 'app.example' }
    const token = (await at.signedIn()).sessionCookie?.[1]
    for (const headers of [
      { cookie: `session=${token}` },
      { cookie: `__Host-Http-session=${token}` },
      { authorization: `Bearer ${token}` },
    ]) {
      expect(codeOf(await send(at.served.url, { path: '/me', headers: { ...plain, ...headers } }))).toEqual([
        403,
        'insecure-transport',
      ])
    }
    const open = await send(at.served.url, { path: '/public', headers: { ...plain, cookie: 'session=of-another-app' } })
    expect(open.status).toBe(200)
    const login = await send(at.served.url, { method: 'POST', path: '/login', headers: plain, json: { subject: 'alice' } })
    expect(codeOf(login)).toEqual([403, 'insecure-transport'])
    expect(login.setCookies.filter((line) => line.includes('session'))).toEqual([])
    for (const path of ['/visit', '/auth/anonymous']) {
      const visit = await send(at.served.url, { method: 'POST', path, headers: plain, json: {} })
      expect(codeOf(visit)).toEqual([403, 'insecure-transport'])
    }
  })

  test('a request that says it was forwarded is not local, whatever its host', async () => {
    const token = (await at.signedIn()).sessionCookie?.[1]
    const headers = { cookie: `session=${token}`, 'x-forwarded-for': '127.0.0.1' }
    expect(codeOf(await send(at.served.url, { path: '/me', headers }))).toEqual([403, 'insecure-transport'])
  })

  test('"remember me" gives a cookie that lasts as long as the session and is never sent again', async () => {
    const browser = await at.signedIn('alice', { remember: true })
    const line = browser.received.find((one) => one.startsWith('session=')) ?? ''
    expect(cookieAttributes(line)['max-age']).toBe(String(30 * 24 * 3600))
    at.world.clock.advance(13 * 24 * 3_600_000)
    const later = await browser.get('/me')
    expect([later.status, later.setCookies]).toEqual([200, []])
  })

  test('sign-in from a page of another site is refused, sets nothing and leaves a session alone', async () => {
    const alice = await at.signedIn()
    for (const headers of [{ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, { origin: 'null' }]) {
      const fresh = await send(at.served.url, { method: 'POST', path: '/login', headers, json: { subject: 'mallory' } })
      expect(codeOf(fresh)).toEqual([403, 'csrf-failed'])
      expect(fresh.headers['content-type']).toContain('application/problem+json')
      expect(fresh.setCookies.filter((line) => line.includes('session'))).toEqual([])
      expect(codeOf(await alice.post('/login', { subject: 'mallory' }, headers))).toEqual([403, 'csrf-failed'])
    }
    expect((await alice.get('/me')).json().subject).toBe('alice')
  })

  test('a listed origin may sign in and make changes, with the token', async () => {
    const partner = { origin: 'https://partner.example', 'sec-fetch-site': 'cross-site' }
    const alice = await at.signedIn()
    expect((await alice.post('/change', {}, partner)).status).toBe(200)
    expect((await alice.post('/login', { subject: 'alice' }, partner)).status).toBe(200)
    expect(codeOf(await alice.post('/change', {}, { ...partner, 'x-csrf-token': undefined }))).toEqual([403, 'csrf-failed'])
  })

  test('the forgery check stands before routes that have no guard too', async () => {
    const alice = await at.signedIn()
    expect(codeOf(await alice.post('/open-change', {}, { 'x-csrf-token': undefined }))).toEqual([403, 'csrf-failed'])
    expect(at.world.changes()).toBe(0)
    expect((await new Browser(at.served.url).post('/open-change')).status).toBe(200)
  })

  test('a new sign-in in the same browser ends the session before', async () => {
    const alice = await at.signedIn()
    const thief = alice.copy()
    await signIn(alice, 'alice')
    expect((await alice.get('/me')).status).toBe(200)
    expect(codeOf(await thief.get('/me'))).toEqual([401, 'session-revoked'])
  })

  test('regenerating after a credential change kills the old secret at once and keeps the session', async () => {
    const alice = await at.signedIn()
    const thief = alice.copy()
    const before = (await alice.get('/me')).json().id
    const answered = await alice.post('/password')
    expect(answered.json().id).toBe(before)
    expect((await alice.get('/me')).json().id).toBe(before)
    expect(codeOf(await thief.get('/me'))).toEqual([401, 'session-revoked'])
  })

  test('a step-up replaces the secret; the old one works for ten seconds without the new rights', async () => {
    const alice = await at.signedIn()
    at.world.clock.advance(6 * 60_000)
    const tab = alice.copy()
    const challenge = await alice.get('/recent')
    expect(codeOf(challenge)).toEqual([401, 'step-up-required'])
    expect(challenge.headers['www-authenticate']).toBe('Bearer error="insufficient_user_authentication", max_age=300')
    expect((await alice.post('/elevate')).status).toBe(200)
    expect(alice.sessionCookie?.[1]).not.toBe(tab.sessionCookie?.[1])
    expect((await alice.get('/recent')).status).toBe(200)
    expect((await alice.get('/assured')).status).toBe(200)
    expect((await tab.get('/me')).status).toBe(200)
    expect(codeOf(await tab.get('/assured'))).toEqual([401, 'step-up-required'])
    at.world.clock.advance(11_000)
    expect(codeOf(await tab.get('/me'))).toEqual([401, 'session-revoked'])
    at.world.clock.advance(10 * 60_000)
    expect(codeOf(await alice.get('/recent'))).toEqual([401, 'step-up-required'])
  })

  test.each(['elevate', 'regenerate', 'nothing'])(
    'a request held open across a sign-out revives nothing and sets no cookie: %s',
    async (then) => {
      const alice = await at.signedIn()
      const other = alice.copy()
      at.world.turnstile.close()
      const slow = other.post('/slow', { then })
      await at.world.turnstile.arrived
      expect((await alice.post('/auth/logout')).status).toBe(204)
      at.world.turnstile.open()
      const answered = await slow
      expect(answered.setCookies).toEqual([])
      expect(answered.status).toBe(then === 'nothing' ? 200 : 401)
      expect(codeOf(await other.get('/me'))).toEqual([401, 'session-revoked'])
    },
  )

  test('sign-out inside a handler shows at once on the request', async () => {
    const alice = await at.signedIn()
    const answered = await alice.post('/leave')
    expect(answered.json()).toEqual({ subject: null, id: null, anonymous: false, verdict: 'dead', ip: '127.0.0.1' })
    expect(alice.sessionCookie).toBeUndefined()
  })
}
