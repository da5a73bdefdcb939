/** What clients can get wrong, one clause after the other: code, field and event of each, and the state as it was. */
import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { audience, issuer, keyOptions, now } from '../../../holdfast/test/engine/jwt/forge.ts'
import { hostile } from '../../../holdfast/test/engine/jwt/hostile.ts'
import { type Answer, assertProblem, type Client, fieldsOf } from '../client.ts'
import { goodPassword, movableClock, otherPassword, setupToken, type TestServer, testServer } from '../harness.ts'
import { stateOf, toldDuring } from '../state.ts'
import { assertOauthError, keyFor, pairFor, postForm } from './oauth.ts'

const clock = movableClock()
clock.advance(now * 1000 - clock.now())
let server: TestServer
let root: Client
/** One that nobody has set up. */
let empty: TestServer
beforeAll(async () => {
  const jwt = { issuer, audience, keys: keyOptions }
  const engine = { jwt, failedTokensPerMinute: 100_000, refreshesPerMinute: 100_000, sessionsPerSubject: 'unlimited' } as const
  server = await testServer({ overrides: { clock, engine } })
  root = await server.administrator()
  empty = await testServer()
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await empty[Symbol.asyncDispose]()
})

/** Does what must change nothing, and returns what it told. */
async function changingNothing(act: () => Promise<unknown>, at = server): Promise<string[]> {
  const before = stateOf(at)
  const told = await toldDuring(at, act)
  assert.deepEqual(stateOf(at), before)
  return told
}

function assertRefused(answer: Answer, field: string): void {
  assertProblem(answer, 400, 'invalid-request')
  assert.deepEqual(fieldsOf(answer), [field])
  assert.deepEqual(answer.setCookies, [])
}

/** Of a body, each with a value that no field of text takes. */
const wrongTypes = { missing: undefined, null: null, 'a number': 5, 'a list': ['a'], 'an object': { $ne: null }, 'a flag': true }

const names = {
  ...wrongTypes,
  empty: '',
  blank: ' \u00a0\u3000',
  'longer than 64': 'x'.repeat(65),
  'of 100,000 characters': 'x'.repeat(100_000),
  'with a control character': 'al\u0007ice',
  'with a NUL': 'alice\u0000',
  'with a line end': 'al\nice',
  'with a direction override': 'al\u202eice',
  'of mixed scripts': 'p\u0430ypal',
  'with half a character': 'al\ud800ice',
}
const passwords = {
  ...wrongTypes,
  empty: '',
  'of 5 characters': 'short',
  'of 14 characters': 'x7 fourteen ch',
  'of 257 characters': 'giraffes read '.repeat(19).slice(0, 257),
  'of 100,000 characters': 'x'.repeat(100_000),
  'with half a character': 'tall giraffes \ud800 read quietly',
}

/** What cannot be meant as a name or a password that somebody has; anything else is a wrong one. */
const isRefused = /^(missing|null|an? .+|empty|blank|of 100,000 characters|with half a character)$/

describe('a user name', () => {
  it.each(Object.entries(names))('that is %s makes no account and no first administrator', async (_what, username) => {
    const told = await changingNothing(async () => {
      assertRefused(await root.post('/admin/users', { username, password: goodPassword }), 'username')
    })
    const toldBySetup = await changingNothing(async () => {
      const body = { token: setupToken, username, password: goodPassword }
      assertRefused(await empty.client().post('/auth/setup', body), 'username')
    }, empty)
    assert.deepEqual([told, toldBySetup], [[], []])
  })

  it('at sign-in is refused by its field where none could be meant, and else is one that nobody has', async () => {
    for (const [what, username] of Object.entries(names)) {
      const told = await changingNothing(async () => {
        const answer = await server.client().post('/auth/login', { username, password: goodPassword })
        if (isRefused.test(what)) assertRefused(answer, 'username')
        else assertProblem(answer, 401, 'invalid-credentials')
      })
      assert.deepEqual(told, isRefused.test(what) ? [] : ['authn_login_fail unknown'], what)
    }
  })
})

describe('a password', () => {
  it.each(Object.entries(passwords))('that is %s makes no account, and takes the place of no other', async (_what, password) => {
    const told = await changingNothing(async () => {
      assertRefused(await root.post('/admin/users', { username: 'alice', password }), 'password')
      assertRefused(await root.post('/auth/password', { currentPassword: goodPassword, newPassword: password }), 'newPassword')
    })
    const toldBySetup = await changingNothing(async () => {
      assertRefused(await empty.client().post('/auth/setup', { token: setupToken, username: 'root', password }), 'password')
    }, empty)
    assert.deepEqual([told, toldBySetup], [[], []])
  })

  it('to prove oneself with is refused by its field where none could be, and else is a wrong one', async () => {
    for (const [what, password] of Object.entries(passwords)) {
      const told = await changingNothing(async () => {
        for (const answer of [
          await server.client().post('/auth/login', { username: 'root', password }),
          await root.post('/auth/reauthenticate', { password }),
        ])
          if (isRefused.test(what)) assertRefused(answer, 'password')
          else assertProblem(answer, 401, 'invalid-credentials')
        const change = await root.post('/auth/password', { currentPassword: password, newPassword: otherPassword })
        if (isRefused.test(what)) assertRefused(change, 'currentPassword')
        else assertProblem(change, 401, 'invalid-credentials')
      })
      const failed = ['authn_login_fail wrong-password', 'authn_reauthenticate_fail', 'authn_password_change_fail']
      assert.deepEqual(told, isRefused.test(what) ? [] : failed, what)
    }
  })
})

describe('a JWT', () => {
  const asBearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
  /** What can be in a header at all; a client's own HTTP library refuses the rest. */
  const sendable = hostile.filter(([, token]) => /^[\x21-\x7e]{1,8000}$/.test(token))

  it('that is hostile opens nothing, is told of with what is wrong with it, and changes nothing', async () => {
    const client = server.client()
    assert.ok(sendable.length > 90)
    for (const [what, token, problem] of sendable) {
      const told = await changingNothing(async () => {
        const answer = await client.get('/auth/user', asBearer(token))
        assertProblem(answer, 401, problem === 'expired' ? 'session-expired' : 'session-required')
        assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer/)
      })
      // What does not even begin like a token is no credential of ours, whoever it is for.
      const looksLikeOne = token.startsWith('eyJ')
      const expected =
        problem === 'expired' ? 'session_use_after_expire token-expired' : `session_token_invalid invalid ${problem}`
      assert.deepEqual(told, looksLikeOne ? [expected] : [], what)
    }
    const { services } = server
    const { id } = (await root.get('/auth/user')).json.user
    const { accessToken } = await services.holdfast.issueTokens({ subject: id, format: 'jwt' })
    assert.equal((await client.get('/auth/user', asBearer(accessToken))).status, 200)
  })

  it('that is hostile is inactive to services, and ends and refreshes nothing', async () => {
    const key = await keyFor(root, ['introspect'])
    const introspect = (token: string) =>
      postForm(server, '/oauth/introspect', { token }, { authorization: `Bearer ${key.token}` })
    // From then on, as long as the clock stands, its use is no news.
    await introspect('nothing')
    for (const [what, token] of sendable) {
      await changingNothing(async () => {
        const told = await introspect(token)
        assert.deepEqual([told.status, told.json], [200, { active: false }], what)
        assert.equal((await postForm(server, '/oauth/revoke', { token })).status, 200)
        assertProblem(await server.client().post('/auth/refresh', { refresh_token: token }), 401, 'session-required')
      })
    }
  })
})

describe('a refresh token', () => {
  it('that is cut, joined from two, or of another kind is invalid, and leaves both sessions as they were', async () => {
    const [first, second] = [await pairFor(root), await pairFor(root)]
    const key = await keyFor(root)
    const body = first.refresh.slice('hfr1_'.length)
    const wrong = [
      ...[1, 5, 29, 60, body.length].map((length) => first.refresh.slice(0, length)),
      ...[24, 32, 40, 60, 86].map((at) => `hfr1_${body.slice(0, at)}${second.refresh.slice(at + 5)}`),
      `${first.refresh}${second.refresh}`,
      first.access,
      `hfr1_${first.access.slice('hf1_'.length)}`,
      root.sessionToken ?? '',
      `hfr1_${root.sessionToken?.slice('hf1_'.length)}`,
      key.token,
      `hfr1_${key.token.slice('hfk1_'.length)}`,
      (await root.post('/auth/ticket')).json.ticket,
    ]
    for (const token of wrong) {
      const told = await changingNothing(async () => {
        assertProblem(await server.client().post('/auth/refresh', { refresh_token: token }), 401, 'session-required')
        const fields = { grant_type: 'refresh_token', refresh_token: token }
        assertOauthError(await postForm(server, '/oauth/token', fields), 400, 'invalid_grant')
      })
      assert.deepEqual(told, Array(2).fill('session_token_invalid invalid'), token.slice(0, 8))
    }
    for (const token of [`hf1_${body}`, first.refresh]) {
      await changingNothing(async () => {
        const answer = await server.client().get('/auth/user', { headers: { authorization: `Bearer ${token}` } })
        assertProblem(answer, 401, 'session-required')
      })
    }
    for (const { refresh } of [first, second]) {
      assert.equal((await server.client().post('/auth/refresh', { refresh_token: refresh })).status, 200)
    }
  })
})
