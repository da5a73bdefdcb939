import assert from 'node:assert/strict'
import { memoryStore } from 'holdfast/store/memory'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { publicOrigin } from '../../src/config/config.ts'
import type { Client } from '../client.ts'
import { type Fault, failingStore } from '../failing-store.ts'
import { goodPassword, movableClock, type TestServer, testServer } from '../harness.ts'
import { assertOauthError, keyFor, pairFor, postForm } from './oauth.ts'

const clock = movableClock()
let server: TestServer
let root: Client
beforeEach(async () => {
  server = await testServer({ overrides: { clock } })
  root = await server.administrator()
})
afterEach(() => server[Symbol.asyncDispose]())

const refresh = (token: string, more: object = {}, headers = {}) =>
  postForm(server, '/oauth/token', { grant_type: 'refresh_token', refresh_token: token, ...more }, headers)
const revoke = (token: string, more: object = {}) => postForm(server, '/oauth/revoke', { token, ...more })
const userBy = async (token: string) =>
  (await server.client().get('/auth/user', { headers: { authorization: `Bearer ${token}` } })).status

describe('POST /oauth/token', () => {
  it('exchanges a refresh token, and leads a repetition to the same successor', async () => {
    const { access, refresh: first } = await pairFor(root)
    const answer = await refresh(first)
    assert.equal(answer.status, 200, answer.text)
    assert.deepEqual(Object.keys(answer.json).sort(), ['access_token', 'expires_in', 'refresh_token', 'token_type'])
    assert.deepEqual(
      [answer.headers.get('cache-control'), answer.headers.get('pragma'), answer.setCookies],
      ['no-store', 'no-cache', []],
    )
    assert.deepEqual([await userBy(access), await userBy(answer.json.access_token)], [200, 200])
    assert.equal((await refresh(first)).json.refresh_token, answer.json.refresh_token)
  })

  it('ends the session when a spent token turns up after the grace window', async () => {
    const { refresh: first } = await pairFor(root)
    const { json } = await refresh(first)
    clock.advance(30_000)
    assertOauthError(await refresh(first), 400, 'invalid_grant')
    assertOauthError(await refresh(json.refresh_token), 400, 'invalid_grant')
    assert.equal(await userBy(json.access_token), 401)
    assert.match(server.log.text(), /"kind":"authn_token_reuse"/)
  })

  it('takes no other kind of token, and nothing that is none', async () => {
    const { access, refresh: first } = await pairFor(root)
    const key = await keyFor(root)
    for (const other of [access, root.sessionToken ?? '', key.token, `${first}A`, first.slice(0, -1), 'x'.repeat(8000)]) {
      assertOauthError(await refresh(other), 400, 'invalid_grant')
    }
    assert.equal((await refresh(first)).status, 200)
  })

  it('takes only the grant that it names, whole, and no scope', async () => {
    const { refresh: first } = await pairFor(root)
    const wrong = [
      [{ refresh_token: first }, 'invalid_request'],
      [{ grant_type: 'refresh_token' }, 'invalid_request'],
      [{ grant_type: 'refresh_token', refresh_token: '' }, 'invalid_request'],
      [{ grant_type: 'password', username: 'root', password: goodPassword }, 'unsupported_grant_type'],
      [{ grant_type: 'client_credentials' }, 'unsupported_grant_type'],
      [{ grant_type: 'refresh_token', refresh_token: first, scope: 'admin' }, 'invalid_scope'],
    ] as const
    for (const [fields, error] of wrong) assertOauthError(await postForm(server, '/oauth/token', fields), 400, error)
    assert.equal((await refresh(first, { scope: '', resource: 'https://elsewhere.example' })).status, 200)
  })

  it('refuses the tokens of an account that may not act, and spends nothing while accounts cannot be read', async () => {
    const { id } = (await root.post('/admin/users', { username: 'alice', password: goodPassword })).json.user
    const alice = server.client()
    await alice.signIn('alice', goodPassword)
    const { refresh: first } = await pairFor(alice)
    const { accounts } = server.services
    const get = accounts.get.bind(accounts)
    const before = await server.services.holdfast.get(server.services.holdfast.sessionOf(first) ?? '')
    Object.assign(accounts, { get: () => Promise.reject(new Error('away')) })
    const answer = await refresh(first)
    assert.ok(answer.status >= 500, answer.text)
    Object.assign(accounts, { get })
    assert.deepEqual(await server.services.holdfast.get(before?.id ?? ''), before)
    // The account alone: as when its sessions could not be ended in time.
    await accounts.change(id, { disabled: true })
    assertOauthError(await refresh(first), 400, 'invalid_grant')
    await accounts.change(id, { disabled: false })
    clock.advance(60_000)
    assert.equal((await refresh(first)).status, 200)
  })

  it('limits refreshes and forgeries of one network, and says when again', async () => {
    const { refresh: first } = await pairFor(root)
    const { limits } = server.services.holdfast.http
    for (let spent = 0; spent < 10_000 && limits.failedToken.refusalOf('127.0.0.1') === undefined; spent += 1);
    const forged = await refresh('hfr1_forged')
    assertOauthError(forged, 429, 'temporarily_unavailable')
    assert.ok(Number(forged.headers.get('retry-after')) > 0)
    assertOauthError(await revoke('hfr1_forged'), 429, 'temporarily_unavailable')
    const guessed = await postForm(server, '/oauth/introspect', { token: first }, { authorization: 'Bearer hfk1_forged' })
    assertOauthError(guessed, 429, 'temporarily_unavailable')
    assert.equal((await refresh(first)).status, 200)
    const spendAll = async () => {
      for (let spent = 0; spent < 10_000; spent += 1) await limits.refresh.spend('127.0.0.1')
    }
    await assert.rejects(spendAll(), { code: 'rate-limited' })
    assertOauthError(await refresh(first), 429, 'temporarily_unavailable')
  })
})

describe('POST /oauth/revoke', () => {
  it.each(['access', 'refresh'] as const)('ends by an %s token the session with every token of it', async (kind) => {
    for (const format of ['opaque', 'jwt']) {
      const pair = await pairFor(root, { format, audience: 'https://api.example' })
      const answer = await revoke(pair[kind], { token_type_hint: 'whatever' })
      assert.deepEqual([answer.status, answer.text, answer.headers.get('cache-control')], [200, '', 'no-store'])
      assertOauthError(await refresh(pair.refresh), 400, 'invalid_grant')
      assert.equal((await server.services.holdfast.get(pair.session))?.reason, 'logout')
    }
    assert.equal((await root.get('/auth/user')).status, 200)
  })

  it('is 200 and ends nothing for what is spent, none, or carries something else', async () => {
    const { refresh: first, session } = await pairFor(root)
    const key = await keyFor(root)
    await refresh(first)
    clock.advance(31_000)
    for (const token of [first, root.sessionToken ?? '', key.token, 'nonsense', `${first}A`]) {
      assert.equal((await revoke(token)).status, 200)
    }
    assert.equal((await server.services.holdfast.get(session))?.revokedAt, null)
    assert.equal((await root.get('/auth/user')).status, 200)
    assert.equal((await server.services.apiKeys.check(key.token, { ip: '127.0.0.1' })).status, 'live')
    assertOauthError(await postForm(server, '/oauth/revoke', {}), 400, 'invalid_request')
  })
})

describe('POST /oauth/introspect', () => {
  const by = (key: { token: string }, token: string) =>
    postForm(server, '/oauth/introspect', { token }, { authorization: `Bearer ${key.token}` })

  it('tells a service with the scope whose token it is, for whom and until when', async () => {
    const key = await keyFor(root, ['introspect'])
    const issuer = publicOrigin(server.config)
    for (const [format, audience] of [
      ['opaque', undefined],
      ['opaque', 'https://api.example'],
      ['jwt', 'https://api.example'],
    ] as const) {
      const pair = await pairFor(root, { format, audience })
      const { json, headers } = await by(key, pair.access)
      const { active, token_type, iss, aud, sid, username, amr, exp } = json
      assert.deepEqual(
        { active, token_type, iss, aud, sid, username, amr },
        {
          active: true,
          token_type: 'Bearer',
          iss: issuer,
          aud: audience ?? issuer,
          sid: pair.session,
          username: 'root',
          amr: ['pwd'],
        },
      )
      assert.equal(headers.get('cache-control'), 'no-store')
      const left = exp - clock.now() / 1000
      assert.ok(left > 14 * 60 && left <= 15 * 60)
      assert.equal(typeof json.jti, format === 'jwt' ? 'string' : 'undefined')
      await revoke(pair.refresh)
      assert.deepEqual((await by(key, pair.access)).json, { active: false })
    }
  })

  it('says no more than inactive of every other credential, and of accounts that may not act', async () => {
    const key = await keyFor(root, ['introspect'])
    const { id } = (await root.post('/admin/users', { username: 'alice', password: goodPassword })).json.user
    const alice = server.client()
    await alice.signIn('alice', goodPassword)
    const { access, refresh: first } = await pairFor(alice)
    assert.equal((await by(key, access)).json.active, true)
    await server.services.accounts.change(id, { disabled: true })
    for (const token of [access, first, alice.sessionToken ?? '', key.token, 'nonsense', 'eyJhbGciOiJub25lIn0.e30.']) {
      const { status, text } = await by(key, token)
      assert.deepEqual([status, text], [200, '{"active":false}'])
    }
  })

  it('needs an API key with the scope: nothing else opens it', async () => {
    const { access } = await pairFor(root)
    const plain = await keyFor(root, ['read', 'Introspect'])
    const expired = await keyFor(root, ['introspect'], { expiresAt: new Date(Date.now() + 3_600_000).toISOString() })
    await root.delete(`/auth/keys/${expired.id}`)
    for (const authorization of [
      null,
      `Bearer ${access}`,
      `Bearer ${root.sessionToken}`,
      `Bearer ${expired.token}`,
      'Bearer x',
    ]) {
      const answer = await postForm(server, '/oauth/introspect', { token: access }, { authorization })
      assertOauthError(answer, 401, 'invalid_client')
      assert.match(answer.headers.get('www-authenticate') ?? '', /Basic realm="oauth"/)
    }
    const cookie = `session=${root.sessionToken}`
    assertOauthError(
      await postForm(server, '/oauth/introspect', { token: access }, { cookie, origin: server.address }),
      401,
      'invalid_client',
    )
    const answer = await by(plain, access)
    assertOauthError(answer, 403, 'insufficient_scope')
    assert.match(answer.headers.get('www-authenticate') ?? '', /Bearer error="insufficient_scope", scope="introspect"/)
    assert.match(server.log.text(), /"kind":"authz_fail".*scope introspect/)
  })
})

describe('while the store does not answer', () => {
  it('every endpoint says so, and what was asked to end is dead as soon as it does', async () => {
    let fault: Fault = 'none'
    await using away = await testServer({ overrides: { store: failingStore(memoryStore(), () => fault) } })
    const admin = await away.administrator()
    const { access, refresh: first } = await pairFor(admin)
    const key = await keyFor(admin, ['introspect'])
    fault = 'all'
    const authorization = `Bearer ${key.token}`
    const answers = await Promise.all([
      postForm(away, '/oauth/token', { grant_type: 'refresh_token', refresh_token: first }),
      postForm(away, '/oauth/introspect', { token: access }, { authorization }),
      postForm(away, '/oauth/revoke', { token: access }),
    ])
    for (const answer of answers) {
      assertOauthError(answer, 503, 'temporarily_unavailable')
      assert.ok(Number(answer.headers.get('retry-after')) > 0)
    }
    fault = 'none'
    assert.deepEqual((await postForm(away, '/oauth/introspect', { token: access }, { authorization })).json, { active: false })
    assertOauthError(
      await postForm(away, '/oauth/token', { grant_type: 'refresh_token', refresh_token: first }),
      400,
      'invalid_grant',
    )
  })
})
