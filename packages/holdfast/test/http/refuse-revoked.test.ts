/** A revoked JWT, spelled in the header in every way in which some app of the field takes it all the same. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import jsonwebtoken from 'jsonwebtoken'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDenylist, refuseRevoked } from '../../src/denylist.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { fakeClock } from '../../src/testing/index.ts'
import { send } from './harness.ts'

const key = 'k3Jq9vTz1mXw8RbY5nLd2HsG7pCf4Ua0'
const clock = fakeClock(1_767_225_600_000)
const seconds = clock.now() / 1000
const signed = (sub: string) => jsonwebtoken.sign({ sub, iat: seconds, exp: seconds + 3600 }, key)
const [stolen, other] = [signed('alice'), signed('bob')]

/** Out of the header: as middleware does, and as apps do that look at no scheme (our own stock ones are the third). */
const takings: readonly ((header: string) => string | undefined)[] = [
  (header) => /^Bearer (\S+)$/i.exec(header)?.[1],
  (header) => /^bearer\s+(\S+)/i.exec(header)?.[1],
  (header) => header.slice('Bearer '.length),
  (header) => header.replace('Bearer ', ''),
  (header) => header.split(' ')[1],
  (header) => header.split(/\s+/)[1],
]

const spellings: Readonly<Record<string, (token: string) => string>> = {
  'the usual one': (token) => `Bearer ${token}`,
  'other case and spaces': (token) => `bEARER   ${token}`,
  'a tab': (token) => `Bearer\t${token}`,
  'a no-break space': (token) => `Bearer\u00a0${token}`,
  'something behind it': (token) => `Bearer ${token} more`,
  'another token behind it': (token) => `Bearer ${token} ${other}`,
  'another scheme': (token) => `Token ${token}`,
  'another scheme and another token': (token) => `DPoP ${other} ${token}`,
  'no scheme': (token) => token,
  'seven characters of any kind': (token) => `abcdefg${token}`,
  'seven that begin like a token': (token) => `eyJ.a.b${token}`,
  'seven that lengthen it': (token) => `eyJabcd${token}`,
}

const denylist = createDenylist({ store: memoryStore(), tokenLifetime: '1h', clock })
const refuse = refuseRevoked(denylist)
/** For an app that takes a token from its own header too. */
const refuseEither = refuseRevoked(denylist, {
  token: ({ headers }) => [String(headers['x-token'] ?? ''), headers.authorization],
})

function isGood(token = ''): boolean {
  try {
    jsonwebtoken.verify(token, key, { algorithms: ['HS256'], clockTimestamp: seconds })
    return true
  } catch {
    return false
  }
}

/** Answers in how many of the ways it would have taken a good token. */
const app = createServer((request, response) =>
  (request.url === '/either' ? refuseEither : refuse)(request, response, () => {
    const { authorization = '' } = request.headers
    response.end(String(takings.filter((taking) => isGood(taking(authorization))).length))
  }),
)
const ask = (authorization?: string | readonly string[]) =>
  send(`http://127.0.0.1:${(app.address() as AddressInfo).port}`, { path: '/', headers: { authorization } })

beforeAll(async () => {
  await denylist.revoke({ token: stolen })
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve))
})
afterAll(() => {
  denylist.close()
  app.closeAllConnections()
  app.close()
})

describe('a revoked token', () => {
  it.each(Object.keys(spellings))('does not get past the denylist by %s', async (name) => {
    const answer = await ask(spellings[name]?.(stolen))
    expect(answer).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } })
  })

  it('does not get past it in either of two headers', async () => {
    for (const tokens of [
      [stolen, other],
      [other, stolen],
      [other, other],
    ]) {
      expect((await ask(tokens.map((token) => `Bearer ${token}`))).status).toBe(401)
    }
  })

  it('would have been taken by some app in each of these spellings', () => {
    const taken = Object.values(spellings).map((spell) => takings.some((taking) => isGood(taking(spell(stolen)))))
    expect(taken).toEqual(taken.map(() => true))
  })
})

describe('a request with several tokens', () => {
  it.each([
    [stolen, other, 401],
    [other, stolen, 401],
    [stolen, undefined, 401],
    [undefined, stolen, 401],
    [other, other, 200],
    [undefined, undefined, 200],
  ])('goes on only when all of them are clear', async (own, authorization, status) => {
    const base = `http://127.0.0.1:${(app.address() as AddressInfo).port}`
    expect((await send(base, { path: '/either', headers: { 'x-token': own, authorization } })).status).toBe(status)
  })
})

describe('a request that has no revoked token', () => {
  it('goes on with one that is good', async () => {
    expect((await ask(`Bearer ${other}`)).text).toBe(String(takings.length))
    expect((await ask(`Scheme ${other}`)).text).toBe('3')
  })

  it.each([undefined, 'Basic YWxpY2U6c2VjcmV0', 'Digest username="alice", uri="/a.b.c"', 'Key eyJub3QgYSBqd3Q', 'Bearer '])(
    'goes on with %j',
    async (header) => {
      expect((await ask(header)).status).toBe(200)
    },
  )
})
