import assert from 'node:assert/strict'
import { HoldfastError } from 'holdfast'
import { afterEach, beforeEach, describe, it } from 'vitest'
import type { Client } from '../client.ts'
import { type TestServer, testServer } from '../harness.ts'
import { assertOauthError, basic, keyFor, pairFor, postForm } from './oauth.ts'

let server: TestServer
let root: Client
beforeEach(async () => {
  server = await testServer()
  root = await server.administrator()
})
afterEach(() => server[Symbol.asyncDispose]())

const refresh = (token: string, more: object = {}, headers = {}) =>
  postForm(server, '/oauth/token', { grant_type: 'refresh_token', refresh_token: token, ...more }, headers)

describe('a client that authenticates', () => {
  const token = 'hfr1_none'
  const introspect = (fields: object, headers = {}) =>
    postForm(server, '/oauth/introspect', { token, ...fields } as Record<string, string>, headers)

  it('may do so by Basic, in the form, or as Bearer', async () => {
    const { id, token: secret } = await keyFor(root, ['introspect'])
    const ways = [
      [{}, { authorization: basic(id, secret) }],
      [{ client_id: id }, { authorization: basic(id, secret) }],
      [{ client_id: id, client_secret: secret }, {}],
      [{}, { authorization: `Bearer ${secret}` }],
      [{ client_id: id }, { authorization: `bearer ${secret}` }],
    ] as const
    for (const [fields, headers] of ways) assert.equal((await introspect(fields, headers)).text, '{"active":false}')
  })

  it('is refused with another id than its own, a wrong or unreadable secret, or an assertion', async () => {
    const { id, token: secret } = await keyFor(root, ['introspect'])
    const other = await keyFor(root)
    const encoded = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
    const ways = [
      [{}, { authorization: basic(other.id, secret) }],
      [{ client_id: 'cli' }, { authorization: `Bearer ${secret}` }],
      [{}, { authorization: basic(id, `${secret}A`) }],
      [{}, { authorization: encoded(id) }],
      [{}, { authorization: encoded(`:${secret}`) }],
      [{}, { authorization: encoded(`${id}:`) }],
      [{}, { authorization: encoded(`${id}:%zz`) }],
      [{}, { authorization: basic(id, secret).replace('=', '') }],
      [{}, { authorization: basic(id, secret).replace(/=*$/, '!') }],
      [{}, { authorization: 'Digest username="x"' }],
      [{ client_id: id, client_secret: other.token }, {}],
      [{ client_assertion: 'eyJ', client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' }, {}],
    ] as const
    for (const [fields, headers] of ways) assertOauthError(await introspect(fields, headers), 401, 'invalid_client')
  })

  it('does so in one way only', async () => {
    const { id, token: secret } = await keyFor(root, ['introspect'])
    const other = await keyFor(root)
    for (const fields of [{ client_secret: secret }, { client_id: id, client_secret: secret }, { client_id: other.id }]) {
      assertOauthError(await introspect(fields, { authorization: basic(id, secret) }), 400, 'invalid_request')
    }
    for (const client_id of ['a\u0007b', 'é', 'x'.repeat(257)])
      assertOauthError(await introspect({ client_id }), 400, 'invalid_request')
  })

  it('is refused at the other endpoints too when it tries to and fails, and spends nothing', async () => {
    const { refresh: first, session } = await pairFor(root)
    const { id, token: secret } = await keyFor(root)
    const headers = { authorization: basic(id, `${secret}A`) }
    assertOauthError(await refresh(first, {}, headers), 401, 'invalid_client')
    assertOauthError(await postForm(server, '/oauth/revoke', { token: first }, headers), 401, 'invalid_client')
    assertOauthError(await refresh(first, { client_assertion: 'eyJ' }), 401, 'invalid_client')
    assert.equal((await server.services.holdfast.get(session))?.revokedAt, null)
    assert.equal((await refresh(first, {}, { authorization: basic(id, secret) })).status, 200)
    assert.equal((await refresh(first, { client_id: 'cli' })).status, 200)
  })

  it('is not believed by its id alone, before or after its key ends, and spends nothing', async () => {
    const { refresh: first, session } = await pairFor(root)
    const { id, token: secret } = await keyFor(root)
    const subject = (await root.get('/auth/user')).json.user.id
    const { refreshToken, session: own } = await server.services.holdfast.issueTokens({ subject, clientId: id })
    const assertRefused = async () => {
      for (const token of [first, refreshToken]) {
        assertOauthError(await refresh(token, { client_id: id }), 401, 'invalid_client')
        assertOauthError(await postForm(server, '/oauth/revoke', { token, client_id: id }), 401, 'invalid_client')
      }
    }
    await assertRefused()
    assert.equal((await refresh(refreshToken, { client_id: id, client_secret: secret })).status, 200)
    await root.delete(`/auth/keys/${id}`)
    await assertRefused()
    for (const each of [session, own.id]) assert.equal((await server.services.holdfast.get(each))?.revokedAt, null)
    assert.equal((await refresh(first, { client_id: 'cli' })).status, 200)
  })

  it('is neither taken for a public one nor refused when its key cannot be looked for', async () => {
    const { refresh: first } = await pairFor(root)
    const { id } = await keyFor(root)
    const { apiKeys } = server.services
    const lost = new HoldfastError('store-unavailable', { retryAfter: 1 })
    Object.assign(server.services, { apiKeys: { ...apiKeys, get: () => Promise.reject(lost) } })
    assertOauthError(await postForm(server, '/oauth/revoke', { token: first, client_id: id }), 503, 'temporarily_unavailable')
  })

  it('must be the one that tokens were issued to, where they were', async () => {
    const { id, token: secret } = await keyFor(root)
    const subject = (await root.get('/auth/user')).json.user.id
    const { refreshToken } = await server.services.holdfast.issueTokens({ subject, clientId: id })
    assertOauthError(await refresh(refreshToken), 400, 'invalid_grant')
    assertOauthError(await refresh(refreshToken, { client_id: 'cli' }), 400, 'invalid_grant')
    assert.equal((await refresh(refreshToken, {}, { authorization: basic(id, secret) })).status, 200)
  })
})
