/** Visitors who are not signed in: a session is theirs by its token alone, and its id is worth nothing. */
import { expect, test } from 'vitest'
import { type Answered, Browser, send } from '../http/harness.ts'
import { type AdapterSetup, codeOf } from './suite-setup.ts'

const header = 'x-anon-session-token'
const refusal = [403, 'anonymous-token-invalid']
const minute = 60_000
const nobodysId = 'A'.repeat(24)

/** Twenty ways to get a header wrong, made from a right one. */
const malformed: readonly (readonly [string, (token: string) => string])[] = [
  ['an empty prefix', (token) => token.slice('hfa1_'.length)],
  ['another prefix', (token) => token.replace('hfa1_', 'hf1_')],
  ['a refresh prefix', (token) => token.replace('hfa1_', 'hfr1_')],
  ['an upper-case prefix', (token) => token.replace('hfa1_', 'HFA1_')],
  ['one character cut', (token) => token.slice(0, -1)],
  ['half of it', (token) => token.slice(0, token.length / 2)],
  ['only the prefix', () => 'hfa1_'],
  ['one character more', (token) => `${token}A`],
  ['padding', (token) => `${token}==`],
  ['a space inside', (token) => `${token.slice(0, 40)} ${token.slice(41)}`],
  ['quotes', (token) => `"${token}"`],
  ['a Bearer scheme', (token) => `Bearer ${token}`],
  ['the token twice', (token) => `${token}, ${token}`],
  ['the other alphabet', (token) => `${token.slice(0, 60)}+${token.slice(61)}`],
  ['percent encoding', (token) => encodeURIComponent(`${token.slice(0, 60)}/${token.slice(61)}`)],
  ['its id changed', (token) => `${token.slice(0, 12)}${token[12] === 'A' ? 'B' : 'A'}${token.slice(13)}`],
  ['its secret changed', (token) => `${token.slice(0, 60)}${token[60] === 'A' ? 'B' : 'A'}${token.slice(61)}`],
  ['its tag changed', (token) => `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`],
  ['a session id', (token) => token.slice(9, 33)],
  ['nine thousand characters', (token) => token.padEnd(9000, 'A')],
]

export function visitorTests(at: AdapterSetup): void {
  const converse = (json: object, headers: Readonly<Record<string, string>> = {}): Promise<Answered> =>
    send(at.served.url, { method: 'POST', path: '/converse', json, headers })
  const tokenIn = (answered: Answered): string => String(answered.headers[header])

  async function visitor(): Promise<{ readonly id: string; readonly token: string }> {
    const answered = await converse({})
    expect([answered.status, answered.json().outcome]).toEqual([200, 'created'])
    return { id: String(answered.json().id), token: tokenIn(answered) }
  }

  test('a visit creates a session, and its token resumes that one and comes back each time', async () => {
    const { id, token } = await visitor()
    for (const body of [{}, { session: id }]) {
      const again = await converse(body, { [header]: token })
      expect([again.status, again.json(), tokenIn(again)]).toEqual([200, { outcome: 'resumed', id }, token])
      expect(again.headers['cache-control']).toBe('no-store')
    }
  })

  test('a cookie resumes without a header, and a stale one starts anew', async () => {
    const browser = new Browser(at.served.url)
    const first = (await browser.post('/converse', { carrier: 'cookie' })).json()
    const again = await browser.post('/converse', { session: first.id })
    expect([again.json(), again.headers[header]]).toEqual([{ outcome: 'resumed', id: first.id }, undefined])
    at.world.clock.advance(10 * minute)
    expect(codeOf(await browser.post('/converse', { session: first.id }))).toEqual(refusal)
    const anew = (await browser.post('/converse', { carrier: 'cookie' })).json()
    expect(anew.outcome).toBe('created')
    expect(anew.id).not.toBe(first.id)
  })

  test('a session id opens nothing, whether there is such a session or not, and the answers are one', async () => {
    const { id, token } = await visitor()
    const other = await visitor()
    const answers = [
      await converse({ session: id }),
      await converse({ session: nobodysId }),
      await converse({ session: 'no id at all' }),
      await converse({ session: '' }),
      await converse({ session: other.id }, { [header]: token }),
      await converse({ session: nobodysId }, { [header]: token }),
      await converse({ session: id }, { [header]: other.token }),
    ]
    for (const answered of answers) expect(codeOf(answered)).toEqual(refusal)
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(answers.map((answered) => answered.headers[header]).filter((found) => found !== undefined)).toEqual([])
    expect((await converse({ session: id }, { [header]: token })).status).toBe(200)
  })

  test("a signed-in user keeps their own session and is refused a visitor's", async () => {
    const { id } = await visitor()
    const alice = await at.signedIn()
    const own = await alice.post('/converse', {})
    expect([own.json().outcome, own.headers[header]]).toEqual(['resumed', undefined])
    expect(codeOf(await alice.post('/converse', { session: id }))).toEqual(refusal)
  })

  test('after a regeneration the old token is dead and the new one opens the same session', async () => {
    const { id, token } = await visitor()
    const renewed = await send(at.served.url, { method: 'POST', path: '/renew', json: {}, headers: { [header]: token } })
    expect(renewed.json().id).toBe(id)
    expect(tokenIn(renewed)).not.toBe(token)
    expect(codeOf(await converse({ session: id }, { [header]: token }))).toEqual(refusal)
    expect(codeOf(await converse({}, { [header]: token }))).toEqual(refusal)
    expect((await converse({ session: id }, { [header]: tokenIn(renewed) })).json()).toEqual({ outcome: 'resumed', id })
  })

  test('after ten idle minutes the token is refused, and not before', async () => {
    const { id, token } = await visitor()
    at.world.clock.advance(9 * minute)
    expect((await converse({ session: id }, { [header]: token })).status).toBe(200)
    at.world.clock.advance(10 * minute - 1)
    expect((await converse({ session: id }, { [header]: token })).status).toBe(200)
    at.world.clock.advance(10 * minute)
    expect(codeOf(await converse({ session: id }, { [header]: token }))).toEqual(refusal)
  })

  test.each(malformed)('a token with %s is refused like any other, and the right one still works', async (_what, spoil) => {
    const { id, token } = await visitor()
    for (const body of [{}, { session: id }]) {
      const answered = await converse(body, { [header]: spoil(token) })
      expect(codeOf(answered)).toEqual(refusal)
      expect(answered.text).not.toContain(token)
    }
    expect((await converse({}, { [header]: token })).json()).toEqual({ outcome: 'resumed', id })
  })

  test('POST anonymous resumes the session that it names, by its token', async () => {
    const { id, token } = await visitor()
    const ask = (json: object, headers = {}) => send(at.served.url, { method: 'POST', path: '/auth/anonymous', json, headers })
    const resumed = await ask({ session: id }, { [header]: token })
    expect([resumed.status, tokenIn(resumed)]).toEqual([200, token])
    expect(codeOf(await ask({ session: id }))).toEqual(refusal)
    expect(codeOf(await ask({}, { [header]: `${token}x` }))).toEqual(refusal)
    expect(codeOf(await ask({ session: 1 }))).toEqual([400, 'invalid-request'])
  })

  test('while the store cannot tell it is 503, and no session is started in its place', async () => {
    const { id, token } = await visitor()
    at.world.failStore(true)
    for (const headers of [{ [header]: token }, {}]) {
      const answered = await converse({}, headers)
      expect(codeOf(answered)).toEqual([503, 'store-unavailable'])
      expect(answered.headers['retry-after']).toBe('1')
    }
    at.world.failStore(false)
    expect((await converse({ session: id }, { [header]: token })).status).toBe(200)
  })

  test('a flood from many sources is held to what all of them may start, and takes no sign-in with it', async () => {
    await at.restart({ allAnonymousPerMinute: 20, anonymousPerMinute: 2 })
    const from = (source: number) => ({ 'x-forwarded-proto': 'https', 'x-forwarded-for': `203.0.113.${source}` })
    const greedy = await Promise.all(Array.from({ length: 64 }, () => converse({}, from(0))))
    expect(greedy.filter(({ status }) => status === 200)).toHaveLength(2)
    const flood = await Promise.all(Array.from({ length: 64 }, (_, source) => converse({}, from(source + 1))))
    expect(flood.filter(({ status }) => status === 200)).toHaveLength(18)
    const refused = flood.find(({ status }) => status !== 200)
    expect(refused && codeOf(refused)).toEqual([429, 'rate-limited'])
    expect((await at.world.holdfast.list({ subject: null, limit: 200 })).items).toHaveLength(20)
    await at.signedIn()
    at.world.clock.advance(minute)
    expect((await converse({}, from(99))).status).toBe(200)
  })

  test('requests that present nothing and start nothing leave nothing behind', async () => {
    await Promise.all(Array.from({ length: 200 }, () => send(at.served.url, { path: '/public' })))
    expect((await at.world.holdfast.list({})).items).toEqual([])
  })

  test('without randomness it is 503 with a longer wait, and nothing is stored', async () => {
    await at.restart({
      random: () => {
        throw new Error('the source is gone')
      },
    })
    const answered = await converse({})
    expect(codeOf(answered)).toEqual([503, 'crypto-unavailable'])
    expect(answered.headers['retry-after']).toBe('5')
    expect((await at.world.holdfast.list({})).items).toEqual([])
  })

  test('a planted cookie gives its planter nothing: signing in leaves the token dead and the id behind', async () => {
    const planter = new Browser(at.served.url)
    const planted = (await planter.post('/converse', { carrier: 'cookie' })).json()
    // The planter keeps a copy of what is now in the victim's browser.
    const victim = planter.copy()
    const signedIn = await victim.post('/login', { subject: 'alice' })
    expect(signedIn.json()).toMatchObject({ subject: 'alice' })
    expect(signedIn.json().id).not.toBe(planted.id)
    expect((await planter.get('/visitor')).status).toBe(401)
    expect((await planter.get('/me')).status).toBe(401)
    expect((await victim.get('/me')).json().subject).toBe('alice')
  })
}
