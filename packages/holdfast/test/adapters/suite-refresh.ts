/** Access and refresh tokens over HTTP: in the cookie of a browser, and in the hands of a program. */
import { expect, test } from 'vitest'
import { type Answered, Browser, cookieAttributes, send } from '../http/harness.ts'
import { type AdapterSetup, codeOf, overTls } from './suite-setup.ts'

const revoked = [401, 'session-revoked']
const forged = [403, 'csrf-failed']
const grace = 30_000

export function refreshTests(at: AdapterSetup): void {
  const present = (json: object | undefined, headers: Readonly<Record<string, string | undefined>> = {}): Promise<Answered> =>
    send(at.served.url, { method: 'POST', path: '/auth/refresh', headers, ...(json === undefined ? {} : { json }) })
  const exchange = (token: unknown) => present({ refresh_token: token })
  const subjectOf = async (accessToken: unknown) => {
    const answered = await send(at.served.url, { path: '/me', headers: { authorization: `Bearer ${accessToken}` } })
    return answered.status === 200 ? answered.json().subject : answered.json().code
  }

  async function program() {
    const answered = await send(at.served.url, { method: 'POST', path: '/token-login', json: { subject: 'alice' } })
    expect([answered.status, answered.setCookies, answered.headers['cache-control']]).toEqual([200, [], 'no-store'])
    return answered.json() as { readonly id: string; readonly accessToken: string; readonly refreshToken: string }
  }

  async function page(headers: Record<string, string> = {}) {
    const browser = new Browser(at.served.url, headers)
    const answered = await browser.post('/token-login', { subject: 'alice', carrier: 'cookie' })
    expect([answered.status, answered.json().refreshToken]).toEqual([200, null])
    expect(answered.text).not.toContain('hfr1_')
    const [name = ''] = [...browser.cookies.keys()].filter((found) => found.endsWith('refresh_token'))
    return { browser, answered, name, first: browser.cookies.get(name) ?? '' }
  }

  test('a program exchanges its token in the body or as Bearer, without Origin or CSRF token', async () => {
    const { accessToken, refreshToken, id } = await program()
    const first = await exchange(refreshToken)
    expect([first.status, first.setCookies, first.headers['cache-control']]).toEqual([200, [], 'no-store'])
    expect(first.json()).toMatchObject({ token_type: 'Bearer', session: { id, subject: 'alice', current: true } })
    expect(first.json().expires_in).toBeGreaterThan(14 * 60)
    const second = await present(undefined, { authorization: `Bearer ${first.json().refresh_token}` })
    expect(second.status).toBe(200)
    for (const token of [accessToken, first.json().access_token, second.json().access_token])
      expect(await subjectOf(token)).toBe('alice')
  })

  test('a browser carries it in a cookie that only the refresh route is sent, and that no script reads', async () => {
    for (const [headers, name, own] of [
      [{}, 'refresh_token', {}],
      [overTls, '__Secure-refresh_token', { secure: '' }],
    ] as const) {
      const { browser, answered, first } = await page(headers)
      const line = answered.setCookies.find((found) => found.startsWith(`${name}=`)) ?? ''
      const { 'max-age': maxAge, secure, ...attributes } = cookieAttributes(line)
      expect({ secure }).toEqual({ secure: undefined, ...own })
      expect(attributes).toEqual({ path: '/auth/refresh', httponly: '', samesite: 'Strict' })
      expect(Number(maxAge)).toBeGreaterThan(29 * 86_400)
      const renewed = await browser.post('/auth/refresh')
      expect(renewed.status).toBe(200)
      expect(renewed.json().refresh_token).toBeUndefined()
      expect(renewed.text).not.toContain('hfr1_')
      expect(browser.cookies.get(name)).not.toBe(first)
      expect((await browser.post('/auth/refresh')).status).toBe(200)
    }
  })

  test('over plain http beyond loopback no token is exchanged, however it is carried, and none is spent', async () => {
    const { refreshToken } = await program()
    const { first, name } = await page()
    const host = 'app.example'
    for (const [json, headers] of [
      [{ refresh_token: refreshToken }, {}],
      [undefined, { authorization: `Bearer ${refreshToken}` }],
      [undefined, { cookie: `${name}=${first}` }],
    ] as const) {
      expect(codeOf(await present(json, { host, ...headers }))).toEqual([403, 'insecure-transport'])
    }
    expect((await exchange(refreshToken)).json().refresh_token).not.toBe(refreshToken)
  })

  test('a cookie is exchanged for our own pages only, by the CSRF token of its own session', async () => {
    const { browser, first, name } = await page()
    const mallory = (await page()).browser
    const token = mallory.csrfCookie?.[1] ?? ''
    const [csrfName = ''] = browser.csrfCookie ?? []
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: undefined, 'sec-fetch-site': 'same-site' },
      { 'x-csrf-token': undefined },
      { 'x-csrf-token': token, cookie: `${name}=${first}; ${csrfName}=${token}` },
    ]) {
      const answered = await browser.post('/auth/refresh', {}, headers)
      expect([...codeOf(answered), answered.setCookies]).toEqual([...forged, []])
    }
    expect((await browser.post('/auth/refresh')).status).toBe(200)
    // Nothing was spent by them: the first is spent only now.
    expect(browser.cookies.get(name)).not.toBe(first)
  })

  test('a cookie that is there twice is refused', async () => {
    const { browser, name, first } = await page()
    const cookie = `${browser.cookieHeader}; ${name}=${first}`
    expect(codeOf(await browser.post('/auth/refresh', {}, { cookie }))).toEqual([401, 'session-required'])
  })

  test('64 at once get one successor; a repetition after the grace window ends the session', async () => {
    const { refreshToken } = await program()
    const all = await Promise.all(Array.from({ length: 64 }, () => exchange(refreshToken)))
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]))
    const [successor, ...others] = new Set(all.map((answered) => answered.json().refresh_token))
    expect(others).toEqual([])
    at.world.clock.advance(grace)
    const reused = await exchange(refreshToken)
    expect([...codeOf(reused), reused.setCookies]).toEqual([...revoked, []])
    expect(reused.headers['www-authenticate']).toContain('invalid_token')
    expect(codeOf(await exchange(successor))).toEqual(revoked)
    expect(await subjectOf(all[0]?.json().access_token)).toBe('session-revoked')
  })

  test('while the store cannot tell it is 503, nothing is spent and the cookie stays', async () => {
    const { browser, name, first } = await page()
    for (const fail of [at.world.failStore, at.world.failWrites]) {
      fail(true)
      const answered = await browser.post('/auth/refresh')
      expect([...codeOf(answered), answered.setCookies]).toEqual([503, 'store-unavailable', []])
      expect(answered.headers['retry-after']).toBe('1')
      fail(false)
    }
    expect(browser.cookies.get(name)).toBe(first)
    at.world.clock.advance(2 * grace)
    expect((await browser.post('/auth/refresh')).status).toBe(200)
  })

  test('other kinds of token, nothing, and bad input change nothing', async () => {
    const { accessToken, refreshToken } = await program()
    expect(codeOf(await present({}))).toEqual([401, 'session-required'])
    for (const wrong of [accessToken, refreshToken.slice(0, -1), `${refreshToken}A`, 'x'.repeat(9000)])
      expect(codeOf(await exchange(wrong))).toEqual([401, 'session-required'])
    for (const wrong of [7, null, [refreshToken], {}]) {
      const answered = await exchange(wrong)
      expect([...codeOf(answered), answered.json().errors]).toMatchObject([400, 'invalid-request', [{ field: 'refresh_token' }]])
    }
    expect(codeOf(await present({ token: refreshToken }))).toEqual([400, 'invalid-request'])
    const twice = await present({ refresh_token: refreshToken }, { authorization: `Bearer ${refreshToken}` })
    expect(codeOf(twice)).toEqual([400, 'invalid-request'])
    expect(await subjectOf(refreshToken)).toBe('session-required')
    expect((await exchange(refreshToken)).status).toBe(200)
  })

  test('the access token that a client sends out of habit is not what it wants exchanged', async () => {
    const { accessToken, refreshToken } = await program()
    const headers = { authorization: `Bearer ${accessToken}` }
    expect((await present({ refresh_token: refreshToken }, headers)).status).toBe(200)
    expect(codeOf(await present({}, headers))).toEqual([401, 'session-required'])
  })

  test('one network may refresh so often a minute, and is told when again', async () => {
    await at.restart({ refreshesPerMinute: 2 })
    let { refreshToken } = await program()
    for (let times = 0; times < 2; times += 1) refreshToken = String((await exchange(refreshToken)).json().refresh_token)
    const answered = await exchange(refreshToken)
    expect([...codeOf(answered), answered.headers['retry-after']]).toEqual([429, 'rate-limited', '60'])
    at.world.clock.advance(60_000)
    expect((await exchange(refreshToken)).status).toBe(200)
  })

  test('signing in by tokens in a cookie ends the session that the browser came with; by the body it does not', async () => {
    const alice = await at.signedIn()
    const before = alice.copy()
    expect((await alice.post('/token-login', { subject: 'alice' })).status).toBe(200)
    expect((await alice.get('/me')).status).toBe(200)
    const { accessToken } = (await alice.post('/token-login', { subject: 'alice', carrier: 'cookie' })).json()
    expect(alice.sessionCookie).toBeUndefined()
    expect(codeOf(await before.get('/me'))).toEqual(revoked)
    expect(await subjectOf(accessToken)).toBe('alice')
  })

  test('signing out with the access token ends the session and takes the cookie along', async () => {
    const { browser, answered, name, first } = await page()
    const left = await browser.post('/auth/logout', {}, { authorization: `Bearer ${answered.json().accessToken}` })
    expect(left.status).toBe(204)
    expect(browser.cookies.has(name)).toBe(false)
    expect(codeOf(await exchange(first))).toEqual(revoked)
  })

  test('a new secret for a browser whose refresh token is in a cookie puts the new one there, and shows it to no script', async () => {
    for (const [headers, secure] of [
      [{}, false],
      [overTls, true],
    ] as const) {
      const { browser, answered, name, first } = await page(headers)
      const before = { authorization: `Bearer ${answered.json().accessToken}` }
      const changed = await browser.post('/password', {}, before)
      expect([changed.status, changed.json().refreshToken, changed.headers['cache-control']]).toEqual([200, null, 'no-store'])
      expect(changed.text).not.toContain('hfr1_')
      expect(browser.cookies.get(name)).not.toBe(first)
      expect(browser.sessionCookie).toBeUndefined()
      const line = changed.setCookies.find((found) => found.startsWith(`${name}=`)) ?? ''
      expect(cookieAttributes(line)).toMatchObject({ path: '/auth/refresh', httponly: '', samesite: 'Strict' })
      expect(line.includes('; Secure')).toBe(secure)
      expect(await subjectOf(answered.json().accessToken)).toBe('session-revoked')
      expect((await browser.get('/me', { authorization: `Bearer ${changed.json().token}` })).status).toBe(200)
      expect((await browser.post('/auth/refresh')).status).toBe(200)
    }
  })

  test('a new secret for a program is handed over with its refresh token, whatever cookies it came with', async () => {
    const other = (await page()).browser
    for (const cookie of [undefined, other.cookieHeader]) {
      const { accessToken, refreshToken } = await program()
      const headers = { authorization: `Bearer ${accessToken}`, cookie }
      const changed = await send(at.served.url, { method: 'POST', path: '/password', headers, json: {} })
      expect([changed.status, changed.setCookies, changed.headers['cache-control']]).toEqual([200, [], 'no-store'])
      expect(await subjectOf(changed.json().token)).toBe('alice')
      expect(codeOf(await exchange(refreshToken))).toEqual(revoked)
      expect((await exchange(changed.json().refreshToken)).status).toBe(200)
    }
  })

  // The other tab's request was on its way while the first one changed the password, and was slower than all that followed.
  test('a refresh that was under way at a change of the password, and comes after the next one, signs nobody out', async () => {
    const { browser, answered, name, first } = await page()
    const other = browser.copy()
    await browser.post('/password', {}, { authorization: `Bearer ${answered.json().accessToken}` })
    expect((await browser.post('/auth/refresh')).status).toBe(200)
    expect(other.cookies.get(name)).toBe(first)
    expect(codeOf(await other.post('/auth/refresh'))).toEqual(revoked)
    expect((await browser.post('/auth/refresh')).status).toBe(200)
  })
}
