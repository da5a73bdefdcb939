/** Stock OAuth clients, unchanged, against the server over real HTTP. */
import assert from 'node:assert/strict'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { freePorts } from '../../../../test/services/ports.ts'
import type { Client } from '../client.ts'
import { movableClock, type TestServer, testServer } from '../harness.ts'
import { type Key, keyFor, pairFor } from './oauth.ts'

const clock = movableClock()
let server: TestServer
let root: Client
let key: Key
beforeEach(async () => {
  // They hold what discovery says against where they asked: the server must know its port before it listens.
  const [port = 0] = await freePorts(1)
  server = await testServer({ config: { port }, overrides: { clock } })
  root = await server.administrator()
  key = await keyFor(root, ['introspect'])
})
afterEach(() => server[Symbol.asyncDispose]())

describe('oauth4webapi', () => {
  const plain = { [oauth.allowInsecureRequests]: true } as const

  async function discover(): Promise<oauth.AuthorizationServer> {
    const issuer = new URL(server.address)
    const response = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...plain })
    return oauth.processDiscoveryResponse(issuer, response)
  }

  const program: oauth.Client = { client_id: 'deploy' }

  async function refresh(as: oauth.AuthorizationServer, token: string) {
    const response = await oauth.refreshTokenGrantRequest(as, program, oauth.None(), token, plain)
    return oauth.processRefreshTokenResponse(as, program, response)
  }

  async function introspect(as: oauth.AuthorizationServer, authentication: oauth.ClientAuth, token: string) {
    const service = { client_id: key.id }
    const response = await oauth.introspectionRequest(as, service, authentication, token, plain)
    return oauth.processIntrospectionResponse(as, service, response)
  }

  it('discovers, refreshes, introspects and revokes', async () => {
    const as = await discover()
    const pair = await pairFor(root)
    const renewed = await refresh(as, pair.refresh)
    assert.equal(renewed.token_type, 'bearer')
    assert.ok(renewed.refresh_token !== undefined && renewed.refresh_token !== pair.refresh)
    for (const way of [oauth.ClientSecretBasic(key.token), oauth.ClientSecretPost(key.token)]) {
      const told = await introspect(as, way, renewed.access_token)
      assert.deepEqual([told.active, told.username, told.iss], [true, 'root', server.address])
    }
    const response = await oauth.revocationRequest(as, program, oauth.None(), renewed.refresh_token, plain)
    assert.equal(await oauth.processRevocationResponse(response), undefined)
    assert.equal((await introspect(as, oauth.ClientSecretBasic(key.token), renewed.access_token)).active, false)
    await assert.rejects(refresh(as, renewed.refresh_token), { error: 'invalid_grant', status: 400 })
  })

  it('understands every refusal', async () => {
    const as = await discover()
    const { access, refresh: first } = await pairFor(root)
    await assert.rejects(introspect(as, oauth.ClientSecretBasic(`${key.token}A`), access), (fault) => {
      return fault instanceof oauth.WWWAuthenticateChallengeError && fault.cause[0]?.scheme === 'basic'
    })
    await refresh(as, first)
    clock.advance(30_000)
    await assert.rejects(refresh(as, first), { error: 'invalid_grant' })
    const other = oauth.genericTokenEndpointRequest(as, program, oauth.None(), 'client_credentials', {}, plain)
    await assert.rejects(oauth.processGenericTokenEndpointResponse(as, program, await other), { error: 'unsupported_grant_type' })
  })
})

describe('openid-client', () => {
  const options: openid.DiscoveryRequestOptions = { algorithm: 'oauth2', execute: [openid.allowInsecureRequests] }
  const as = (id: string, authentication: openid.ClientAuth) =>
    openid.discovery(new URL(server.address), id, undefined, authentication, options)

  it('discovers, refreshes, introspects and revokes', async () => {
    const program = await as('deploy', openid.None())
    const service = await as(key.id, openid.ClientSecretBasic(key.token))
    const pair = await pairFor(root, { format: 'jwt' })
    const renewed = await openid.refreshTokenGrant(program, pair.refresh)
    assert.ok((renewed.expiresIn() ?? 0) > 14 * 60)
    assert.equal((await openid.tokenIntrospection(service, renewed.access_token)).sid, pair.session)
    await openid.tokenRevocation(program, renewed.access_token)
    assert.deepEqual(await openid.tokenIntrospection(service, renewed.access_token), { active: false })
    await assert.rejects(openid.refreshTokenGrant(program, renewed.refresh_token ?? ''), { error: 'invalid_grant' })
  })

  it('finds the keys that verify its JWT access tokens with jose, whatever they are for', async () => {
    const { jwks_uri: uri, issuer } = (await as('deploy', openid.None())).serverMetadata()
    const keys = createRemoteJWKSet(new URL(uri ?? ''))
    const audience = 'https://api.example'
    const { access, session } = await pairFor(root, { format: 'jwt', audience })
    const rules = { issuer, audience, algorithms: ['EdDSA'], typ: 'at+jwt', currentDate: new Date(clock.now()) }
    const { payload } = await jwtVerify(access, keys, rules)
    assert.deepEqual([payload.sid, payload.amr], [session, ['pwd']])
    await assert.rejects(jwtVerify(access, keys, { ...rules, audience: issuer }), { code: 'ERR_JWT_CLAIM_VALIDATION_FAILED' })
    const [head, , signature] = access.split('.')
    const claims = Buffer.from(JSON.stringify({ ...decodeJwt(access), sub: 'mallory' })).toString('base64url')
    await assert.rejects(jwtVerify(`${head}.${claims}.${signature}`, keys, rules), {
      code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
    })
  })
})
