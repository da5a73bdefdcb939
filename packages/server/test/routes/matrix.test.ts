/** The inventory of routes, walked by every kind of caller: a new route cannot be forgotten here. */
import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, it } from 'vitest'
import type { AccountChange } from '../../src/accounts/store.ts'
import { originOnlyPaths } from '../../src/http/source.ts'
import { routes } from '../../src/routes/index.ts'
import { isOauth, type Route } from '../../src/routes/route.ts'
import { assertProblem, Client } from '../client.ts'
import { goodPassword, movableClock, type TestServer, testServer } from '../harness.ts'

let server: TestServer
let user: Client
let stale: Client
const clock = movableClock()

beforeAll(async () => {
  // Sign-ins of the tests below must not put out the one that has become stale.
  server = await testServer({ overrides: { clock, engine: { sessionsPerSubject: 'unlimited' } } })
  user = (await server.user('alice')).client
  stale = server.client()
  await stale.signIn('root', goodPassword)
})
afterAll(() => server[Symbol.asyncDispose]())

const call = (client: Client, { method, path }: Route) =>
  client.call(method, path.replace(':id', 'A'.repeat(24)), method === 'GET' ? {} : { body: {} })
const named = (found: readonly Route[]) => found.map((route) => [`${route.method} ${route.path}`, route] as const)
const open = [
  'GET /',
  'GET /auth/setup',
  'POST /auth/setup',
  'POST /auth/login',
  'GET /.well-known/jwks.json',
  'GET /.well-known/oauth-authorization-server',
  'GET /healthz',
  'GET /readyz',
  'GET /openapi.json',
]

describe('the inventory of routes', () => {
  it('is open to anyone in these places only', () => {
    const found = routes.filter(({ access }) => access === 'anyone').map(({ method, path }) => `${method} ${path}`)
    assert.deepEqual(found.sort(), [...open].sort())
  })

  it('checks the origin, and no CSRF token, exactly where something changes without a session', () => {
    const bySession = ({ access }: Route) => access !== 'anyone' && !isOauth(access)
    const changing = routes.filter((route) => !bySession(route) && route.method !== 'GET').map(({ path }) => path)
    assert.deepEqual(changing.sort(), [...originOnlyPaths].sort())
  })

  it('keeps everything under /admin for administrators, and what changes something for fresh ones', () => {
    for (const { path, method, access } of routes.filter((route) => route.path.startsWith('/admin'))) {
      assert.equal(access, method === 'GET' ? 'administrator' : 'administrator-fresh', `${method} ${path}`)
    }
  })

  it('has the OAuth endpoints in these places only, and asks for an API key where tokens are told of', () => {
    const found = routes.filter(({ access }) => isOauth(access)).map(({ method, path, access }) => `${method} ${path} ${access}`)
    assert.deepEqual(found.sort(), [
      'POST /oauth/introspect introspector',
      'POST /oauth/revoke client',
      'POST /oauth/token client',
    ])
  })

  const guarded = routes.filter(({ access }) => access !== 'anyone' && !isOauth(access))
  const administrative = guarded.filter(({ access }) => access.startsWith('administrator'))

  it.each(named(guarded))('%s needs a session', async (_name, route) => {
    assertProblem(await call(server.client(), route), 401, 'session-required')
    assertProblem(await call(new Client(server.address, new Map([['session', 'hf1_forged']])), route), 401, 'session-required')
  })

  it.each(named(guarded))('%s refuses an anonymous session', async (_name, route) => {
    const visitor = server.client()
    const started = await server.services.holdfast.issueAnonymous()
    visitor.cookies.set('session', started.token)
    visitor.cookies.set('csrf_token', server.services.holdfast.csrfToken(started.session.id))
    assertProblem(await call(visitor, route), 401, 'session-required')
  })

  it('is not opened by an API key, whoever made it and whatever it is for, but where keys are for', async () => {
    const scopes = ['metrics', 'introspect', 'admin', '*']
    const root = server.client()
    await root.signIn('root', goodPassword)
    for (const maker of [root, user]) {
      const { token } = (await maker.post('/auth/keys', { name: 'all of it', scopes })).json
      const headers = { authorization: `Bearer ${token}` }
      for (const { method, path } of guarded.filter(({ access }) => access !== 'monitor')) {
        const input = { headers, ...(method === 'GET' ? {} : { body: {} }) }
        assertProblem(await server.client().call(method, path.replace(':id', 'A'.repeat(24)), input), 401, 'session-required')
        // Nor does the cookie beside it act, whose CSRF token nobody asked for.
        if (method === 'GET') continue
        const beside = { ...input, headers: { ...headers, 'x-csrf-token': null } }
        assertProblem(await root.call(method, path.replace(':id', 'A'.repeat(24)), beside), 401, 'session-required')
      }
    }
  })

  it.each(named(administrative))('%s refuses a user, and logs it', async (_name, route) => {
    assertProblem(await call(user, route), 403, 'forbidden')
    assert.match(server.log.text(), new RegExp(`"kind":"authz_fail".*${route.method} ${route.path.replace(/[/:]/g, '.')}`))
  })

  const byKey = routes.filter(({ access }) => access === 'monitor' || access === 'introspector')

  it.each(named(byKey))(
    '%s refuses the key of an administrator that lacks the scope',
    async (_name, { method, path, access }) => {
      const root = server.client()
      await root.signIn('root', goodPassword)
      const { token } = (await root.post('/auth/keys', { name: 'for other things', scopes: ['admin', '*'] })).json
      const headers = {
        authorization: `Bearer ${token}`,
        'content-type': isOauth(access) ? 'application/x-www-form-urlencoded' : null,
      }
      const answer = await server.client().call(method, path, { headers, ...(method === 'GET' ? {} : { body: 'token=x' }) })
      assert.equal(answer.status, 403, answer.text)
    },
  )

  /** An administrator whose account changed and whose session, as when its end is not recorded yet, did not. */
  const changed = async (username: string, change: AccountChange) => {
    const { accounts } = server.services
    const root = server.client()
    await root.signIn('root', goodPassword)
    const { id } = (await root.post('/admin/users', { username, password: goodPassword, role: 'admin' })).json.user
    const client = server.client()
    await client.signIn(username, goodPassword)
    await accounts.change(id, change)
    return client
  }

  it('refuses an administrator who was disabled everywhere, and one who was demoted wherever one is needed', async () => {
    const disabled = await changed('disabled', { disabled: true })
    for (const route of guarded) assertProblem(await call(disabled, route), 401, 'session-revoked')
    const demoted = await changed('demoted', { role: 'user' })
    const needsOne = guarded.filter(({ access }) => access.startsWith('administrator') || access === 'monitor')
    for (const route of needsOne) assertProblem(await call(demoted, route), 403, 'forbidden')
  })

  it.each(named(guarded.filter(({ method }) => method !== 'GET')))(
    '%s refuses a request without a CSRF token',
    async (_name, route) => {
      const path = route.path.replace(':id', 'A'.repeat(24))
      const answer = await user.call(route.method, path, { body: {}, headers: { 'x-csrf-token': null } })
      assertProblem(answer, 403, 'csrf-failed')
    },
  )

  it.each(named(guarded))(
    '%s asks an administrator for a step-up when the sign-in is eleven minutes old, if it is sensitive',
    async (_name, route) => {
      clock.advance(11 * 60_000)
      try {
        const answer = await call(stale, route)
        if (route.access.endsWith('-fresh')) assertProblem(answer, 401, 'step-up-required')
        else assert.notEqual(answer.json?.code, 'step-up-required')
      } finally {
        clock.advance(-11 * 60_000)
      }
    },
  )
})
