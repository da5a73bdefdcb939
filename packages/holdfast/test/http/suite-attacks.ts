/** Attacks and faults: taking a session over, forging requests, tossing cookies, losing the store. */
import { expect, test } from 'vitest'
import { Browser, cookieAttributes, send } from './harness.ts'
import { expectProblem, forged, required, revoked, type Setup, unavailable } from './suite-setup.ts'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The same token with one character replaced, for every position. */
function withOneOff(token: string): string[] {
  return [...token].map((letter, at) => {
    const other = alphabet[(alphabet.indexOf(letter) + 1) % alphabet.length]
    return token.slice(0, at) + other + token.slice(at + 1)
  })
}

function respellings(token: string): string[] {
  return [
    `${token}=`,
    `${token}==`,
    `${token}A`,
    `"${token}"`,
    `%68${token.slice(1)}`,
    token.toUpperCase(),
    token.replaceAll('-', '+').replaceAll('_', '/'),
    ` ${token.slice(0, 40)} ${token.slice(40)}`,
    token.replace('hf1_', 'hf2_'),
    token.replace('hf1_', 'hfa1_'),
    token.replace('hf1_', ''),
    `${token},${token}`,
    `hf1_${'A'.repeat(104)}`,
    `hf1_${'A'.repeat(5000)}`,
    '__proto__',
    'constructor',
  ]
}

export function attackTests(at: Setup): void {
  test('a signed-in browser is let in and a stranger is not', async () => {
    const alice = await at.signedIn()
    expect((await alice.get(at.target.guarded)).status).toBe(200)
    expectProblem(await at.browser.get(at.target.guarded), required)
    expect((await at.browser.get(at.target.guarded)).headers['www-authenticate']).toMatch(/^Bearer/)
  })

  test('a token or id chosen before sign-in is never adopted', async () => {
    const mallory = await at.signedIn('mallory')
    const name = at.cookieName(mallory)
    for (const planted of [at.tokenOf(mallory), 'chosen', `hf1_${'A'.repeat(104)}`]) {
      const victim = new Browser(at.target.url)
      victim.cookies.set(name, planted)
      if (planted === at.tokenOf(mallory)) victim.cookies.set(mallory.csrfCookie?.[0] ?? '', mallory.csrfCookie?.[1] ?? '')
      await at.target.signIn(victim, 'alice')
      expect(at.tokenOf(victim)).not.toBe(planted)
      expect((await victim.get(at.target.guarded)).status).toBe(200)
      if (planted !== at.tokenOf(mallory)) expect((await at.present(`${name}=${planted}`)).status).toBe(401)
    }
    // Signing in over somebody's live session ended that one: its holder does not share the new one.
    expectProblem(await mallory.get(at.target.guarded), revoked)
  })

  test('no token with a single character changed is accepted', async () => {
    const alice = await at.signedIn()
    const answers = await Promise.all(
      withOneOff(at.tokenOf(alice)).map((token) => at.present(`${at.cookieName(alice)}=${token}`)),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]))
    expect((await alice.get(at.target.guarded)).status).toBe(200)
  })

  test('no truncated or respelt token is accepted', async () => {
    const alice = await at.signedIn()
    const token = at.tokenOf(alice)
    const cut = [1, 4, 5, 28, 40, token.length - 1].flatMap((length) => [token.slice(0, length), token.slice(-length)])
    for (const spelling of [...cut, ...respellings(token)]) {
      expect((await at.present(`${at.cookieName(alice)}=${spelling}`)).status, spelling).toBe(401)
      expect((await at.present('', { cookie: undefined, authorization: `Bearer ${spelling}` })).status, spelling).toBe(401)
    }
  })

  test('the token of a stolen cookie is dead at once after sign-out', async () => {
    const alice = await at.signedIn()
    const thief = alice.copy()
    expect((await thief.get(at.target.guarded)).status).toBe(200)
    const left = await alice.post(at.route('/logout'))
    expect(left.status).toBe(204)
    expect(alice.sessionCookie).toBeUndefined()
    expect(alice.csrfCookie).toBeUndefined()
    expectProblem(await thief.get(at.target.guarded), revoked)
  })

  test('sign-out of a dead or absent session is 204 and expires the cookies all the same', async () => {
    const alice = await at.signedIn()
    const twin = alice.copy()
    await alice.post(at.route('/logout'))
    expect((await twin.post(at.route('/logout'))).status).toBe(204)
    expect(twin.sessionCookie).toBeUndefined()
    const stranger = await at.browser.post(at.route('/logout'))
    expect(stranger.status).toBe(204)
    expect(stranger.setCookies).toHaveLength(2)
  })

  test("another site's page cannot sign anyone out, also when the browser withheld the cookie", async () => {
    const alice = await at.signedIn()
    for (const headers of [{ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, { origin: 'null' }]) {
      const withheld = await send(at.target.url, { method: 'POST', path: at.route('/logout'), headers })
      expectProblem(withheld, forged)
      expect(withheld.setCookies).toEqual([])
      expectProblem(await alice.post(at.route('/logout'), {}, headers), forged)
    }
    expect((await alice.get(at.target.guarded)).status).toBe(200)
  })

  test('sign-out by GET changes nothing', async () => {
    const alice = await at.signedIn()
    expectProblem(await alice.get(at.route('/logout')), { status: 405, code: 'method-not-allowed' })
    expect((await alice.get(at.target.guarded)).status).toBe(200)
  })

  test('64 simultaneous sign-ins of one subject leave exactly 5 sessions, and the evicted learn why', async () => {
    const browsers = Array.from({ length: 64 }, () => new Browser(at.target.url))
    await Promise.all(browsers.map((one) => at.target.signIn(one, 'alice')))
    const answers = await Promise.all(browsers.map((one) => one.get(at.target.guarded)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(5)
    for (const refused of answers.filter(({ status }) => status !== 200)) {
      expectProblem(refused, { status: 401, code: 'session-evicted' })
    }
  })

  test.each([
    ['a foreign origin', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['a foreign origin without Fetch Metadata', { origin: 'https://evil.example', 'sec-fetch-site': undefined }],
    ['a sibling host', { origin: 'http://sibling.127.0.0.1', 'sec-fetch-site': 'same-site' }],
    ['a sibling host that sends no origin', { origin: undefined, 'sec-fetch-site': 'same-site' }],
    ['an opaque origin', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
    ['an opaque origin without Fetch Metadata', { origin: 'null', 'sec-fetch-site': undefined }],
    ['a look-alike origin', { origin: 'http://127.0.0.1.evil.example', 'sec-fetch-site': undefined }],
    ['a page with no token', { 'x-csrf-token': undefined }],
    ['a page with an empty token', { 'x-csrf-token': '' }],
    ['a page with a made-up token', { 'x-csrf-token': 'A'.repeat(43) }],
  ])('an unsafe request from %s is refused before the handler, token and cookie or not', async (_from, headers) => {
    const alice = await at.signedIn()
    const before = at.target.changes()
    expectProblem(await alice.send({ ...at.target.change, headers }), forged)
    expect(at.target.changes()).toBe(before)
    expect((await alice.send(at.target.change)).status).toBeLessThan(300)
  })

  test.each([
    undefined,
    'application/x-www-form-urlencoded',
    'text/plain',
    'multipart/form-data; boundary=x',
    'application/json ; a',
    '',
  ])('the forgery check does not depend on the content type: %s', async (type) => {
    const alice = await at.signedIn()
    const before = at.target.changes()
    const { json: _json, ...bare } = at.target.change
    const headers = { 'content-type': type, 'x-csrf-token': undefined, origin: 'https://evil.example' }
    expectProblem(await alice.send({ ...bare, body: 'a=b', headers }), forged)
    expect(at.target.changes()).toBe(before)
  })

  test('the CSRF token of another session, of an earlier one, or tossed in as a cookie is refused', async () => {
    const [alice, mallory] = [await at.signedIn('alice'), await at.signedIn('mallory')]
    const [name = '', theirs = ''] = mallory.csrfCookie ?? []
    expectProblem(await alice.send({ ...at.target.change, headers: { 'x-csrf-token': theirs } }), forged)
    const tossed = alice.copy()
    tossed.cookies.set(name, theirs)
    expectProblem(await tossed.send(at.target.change), forged)
    const earlier = alice.csrfCookie?.[1] ?? ''
    await at.target.signIn(alice, 'alice')
    expect(alice.csrfCookie?.[1]).not.toBe(earlier)
    alice.cookies.set(name, earlier)
    expectProblem(await alice.send(at.target.change), forged)
  })

  test('a request that a header authenticates needs no CSRF token', async () => {
    const alice = await at.signedIn()
    const headers = { authorization: `Bearer ${at.tokenOf(alice)}`, origin: 'https://evil.example' }
    expect((await send(at.target.url, { ...at.target.change, headers })).status).toBeLessThan(300)
  })

  test('with the store down a check is 503, cookies stay, and everything works again afterwards', async () => {
    const alice = await at.signedIn()
    at.target.failStore(true)
    at.target.advance(2000)
    const during = await alice.get(at.target.guarded)
    expectProblem(during, unavailable)
    expect(Number(during.headers['retry-after'])).toBeGreaterThan(0)
    expect(during.setCookies).toEqual([])
    expectProblem(await alice.get(at.route('/session')), unavailable)
    expectProblem(await alice.get(at.route('/sessions')), unavailable)
    at.target.failStore(false)
    expect((await alice.get(at.target.guarded)).status).toBe(200)
  })

  test('a sign-out that cannot be recorded is 503, the cookies go, and the session is dead on this node', async () => {
    const alice = await at.signedIn()
    const thief = alice.copy()
    at.target.failWrites(true)
    const left = await alice.post(at.route('/logout'))
    expectProblem(left, unavailable)
    expect(alice.sessionCookie).toBeUndefined()
    expectProblem(await thief.get(at.target.guarded), revoked)
    at.target.failWrites(false)
    at.target.advance(5000)
    expectProblem(await thief.get(at.target.guarded), revoked)
  })

  test('a sign-out while the store answers nothing is 503, the cookies go, and the session ends when it answers again', async () => {
    const alice = await at.signedIn()
    const thief = alice.copy()
    at.target.failStore(true)
    at.target.advance(2000)
    expectProblem(await alice.post(at.route('/logout')), unavailable)
    expect(alice.sessionCookie).toBeUndefined()
    expectProblem(await thief.get(at.target.guarded), unavailable)
    at.target.failStore(false)
    expectProblem(await thief.get(at.target.guarded), revoked)
    at.target.advance(5000)
    expectProblem(await thief.get(at.target.guarded), revoked)
  })

  test('every cookie has its attributes, also when it is taken away', async () => {
    const alice = await at.signedIn()
    await alice.post(at.route('/logout'))
    const ours = alice.received.filter((line) => /^(session|csrf_token)=/.test(line))
    expect(ours).toHaveLength(4)
    for (const line of ours) {
      const attributes = cookieAttributes(line)
      expect(attributes).toMatchObject({ path: '/', samesite: expect.stringMatching(/^(Lax|Strict)$/) })
      expect(attributes.domain).toBeUndefined()
      expect('httponly' in attributes).toBe(line.startsWith('session='))
    }
  })

  test('two cookies of our name, or a header beyond the caps, are no session', async () => {
    const alice = await at.signedIn()
    const pair = `${at.cookieName(alice)}=${at.tokenOf(alice)}`
    expect((await at.present(pair)).status).toBe(200)
    expect((await at.present(`${pair}; ${at.cookieName(alice)}=planted`)).status).toBe(401)
    expect((await at.present(`${at.cookieName(alice)}=planted; ${pair}`)).status).toBe(401)
    expect((await at.present(`${'a=b; '.repeat(149)}${pair}`)).status).toBe(200)
    expect((await at.present(`${'a=b; '.repeat(150)}${pair}`)).status).toBe(401)
    expect((await at.present(`${pair}; big=${'x'.repeat(8200)}`)).status).toBe(401)
  })

  test('a cookie whose name only looks like ours is not ours', async () => {
    const alice = await at.signedIn()
    const [name, token] = [at.cookieName(alice), at.tokenOf(alice)]
    const near = [
      `\u00a0${name}`,
      `${name}\u00a0`,
      `%73${name.slice(1)}`,
      name.toUpperCase(),
      `x${name}`,
      `${name}x`,
      `"${name}"`,
    ]
    for (const other of near) expect((await at.present(`${other}=${token}`)).status, other).toBe(401)
    expect((await at.present(`a=1;\t${name} =\t${token} ; b=2`)).status).toBe(200)
  })

  test.each(['=', ';', ';;;;', '=;=', 'session', '__proto__=x', 'session=', 'constructor=x; toString=y', '%', 'session=%00'])(
    'a malformed cookie header is nobody: %s',
    async (cookie) => {
      expectProblem(await at.present(cookie), required)
    },
  )
}
