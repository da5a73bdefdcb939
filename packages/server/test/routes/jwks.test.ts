import assert from 'node:assert/strict'
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterEach, describe, it } from 'vitest'
import { publicOrigin } from '../../src/config/config.ts'
import { movableClock, type TestServer, type TestServerOptions, testSecret, testServer } from '../harness.ts'

const newerSecret = 'Wd8Qm3Zt_x5Vb1Nc7Rl2Kj9Hg4Fs6Pa0YeUiOoTrLq3'
const path = '/.well-known/jwks.json'

const running: TestServer[] = []
afterEach(async () => {
  for (const server of running.splice(0).reverse()) await server[Symbol.asyncDispose]()
})

async function start(options?: TestServerOptions): Promise<TestServer> {
  const server = await testServer(options)
  running.push(server)
  return server
}

/** An access token of a new session: the first administrator's, if there is one. */
async function accessToken({ services }: TestServer): Promise<string> {
  const root = await services.accounts.find('root')
  return (await services.holdfast.issueTokens({ subject: root?.id ?? 'nobody', format: 'jwt' })).accessToken
}

/** A stock service elsewhere, which fetches our keys and checks our tokens. */
function verifyElsewhere({ address, config }: TestServer, token: string) {
  const issuer = publicOrigin(config)
  const keys = createRemoteJWKSet(new URL(path, address))
  return jwtVerify(token, keys, { issuer, audience: issuer, algorithms: ['EdDSA'], typ: 'at+jwt' })
}

const withSecrets = (...secrets: string[]) => ({ secret: { kind: 'given', secrets } }) as const

describe('the published keys', () => {
  it('verify, in a stock service, the access token that the server signed', async () => {
    const server = await start({ config: { url: new URL('http://localhost:8787') } })
    const { payload } = await verifyElsewhere(server, await accessToken(server))
    assert.equal(payload.iss, 'http://localhost:8787')
    assert.ok(payload.sid)
  })

  it('are public members only, may be kept for a while, and read by any page', async () => {
    const server = await start()
    const { status, headers, json, setCookies } = await server.client().get(path)
    assert.equal(status, 200)
    assert.deepEqual(
      json.keys.map((key: object) => Object.keys(key).sort()),
      [['alg', 'crv', 'kid', 'kty', 'use', 'x']],
    )
    assert.match(headers.get('content-type') ?? '', /^application\/json/)
    assert.equal(headers.get('cache-control'), 'public, max-age=300')
    assert.equal(headers.get('access-control-allow-origin'), '*')
    assert.equal(headers.get('cross-origin-resource-policy'), 'cross-origin')
    assert.equal(headers.get('vary'), '')
    assert.deepEqual(setCookies, [])
  })

  it('are the same for everybody, with a session or without', async () => {
    const server = await start()
    const root = await server.administrator()
    assert.equal((await root.get(path)).text, (await server.client().get(path)).text)
  })

  it('rotate with HOLDFAST_SECRET, the old one beside the new until it is removed', async () => {
    const first = await start()
    await first.administrator()
    const old = await accessToken(first)
    const { folder } = first
    const rotated = await start({ folder, config: withSecrets(newerSecret, testSecret) })
    const renewed = await accessToken(rotated)
    assert.notEqual(decodeProtectedHeader(renewed).kid, decodeProtectedHeader(old).kid)
    for (const token of [old, renewed]) await verifyElsewhere(rotated, token)
    await assert.rejects(verifyElsewhere(first, renewed), { code: 'ERR_JWKS_NO_MATCHING_KEY' })

    const removed = await start({ folder, config: withSecrets(newerSecret) })
    await verifyElsewhere(removed, renewed)
    await assert.rejects(verifyElsewhere(removed, old), { code: 'ERR_JWKS_NO_MATCHING_KEY' })
  })
})

describe('a JWT access token', () => {
  const asBearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

  it('is a session to the server as Bearer, and dies with it', async () => {
    const server = await start()
    const root = await server.administrator()
    const token = await accessToken(server)
    const client = server.client()
    assert.equal((await client.get('/auth/user', asBearer(token))).status, 200)
    const { json } = await client.get('/auth/session', asBearer(token))
    assert.equal((await root.delete(`/auth/sessions/${json.session.id}`)).status, 204)
    assert.equal((await client.get('/auth/user', asBearer(token))).status, 401)
  })

  it('is no session in a cookie', async () => {
    const server = await start()
    await server.administrator()
    const client = server.client()
    client.cookies.set('session', await accessToken(server))
    assert.equal((await client.get('/auth/user')).status, 401)
  })

  it('of a session that another node revoked is refused', async () => {
    const clock = movableClock()
    const here = await start({ overrides: { clock } })
    const root = await here.administrator()
    const there = await start({ folder: here.folder, overrides: { clock } })
    const token = await accessToken(here)
    for (const server of [here, there]) assert.equal((await server.client().get('/auth/user', asBearer(token))).status, 200)
    assert.equal((await root.delete('/auth/sessions')).status, 204)
    // The bound on what a node may not know yet.
    clock.advance(1000)
    const answers = await Promise.all([here, there].map((server) => server.client().get('/auth/user', asBearer(token))))
    assert.deepEqual(
      answers.map(({ status }) => status),
      [401, 401],
    )
  })
})

describe('the issuer', () => {
  it.each([
    [
      'the public origin',
      { url: new URL('https://auth.example.com'), host: '127.0.0.1', port: 8787 },
      'https://auth.example.com',
    ],
    ['where it listens, when none is set', { url: undefined, host: '127.0.0.1', port: 8787 }, 'http://127.0.0.1:8787'],
    ['an IPv6 address in brackets', { url: undefined, host: '::1', port: 80 }, 'http://[::1]:80'],
  ])('is %s', (_, config, issuer) => {
    assert.equal(publicOrigin(config), issuer)
  })
})
