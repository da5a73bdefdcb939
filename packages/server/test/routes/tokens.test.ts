import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { publicOrigin } from '../../src/config/config.ts'
import { assertProblem, type Client, fieldsOf } from '../client.ts'
import { goodPassword, movableClock, type TestServer, testServer } from '../harness.ts'

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0'
const bearer = (token: string, more = {}) => ({ headers: { authorization: `Bearer ${token}`, ...more } })

/** A browser signed in as `root`, with a user agent that its session is bound to. */
async function browser(server: TestServer): Promise<Client> {
  await server.administrator()
  const client = server.client()
  const headers = { 'user-agent': firefox }
  const answer = await client.post('/auth/login', { username: 'root', password: goodPassword }, { headers })
  assert.equal(answer.status, 200)
  return client
}

const ask = (client: Client, body?: unknown) => client.post('/auth/tokens', body, { headers: { 'user-agent': firefox } })

describe('POST /auth/tokens', () => {
  it('gives a program a session of its own, bound to no browser and ended by itself', async () => {
    await using server = await testServer()
    const client = await browser(server)
    const { status, json, setCookies, headers } = await ask(client, { label: 'deploy script' })
    assert.deepEqual([status, setCookies, headers.get('cache-control')], [200, [], 'no-store'])
    assert.deepEqual(
      [json.token_type, json.session.label, json.session.current, json.session.amr],
      ['Bearer', 'deploy script', false, ['pwd']],
    )
    assert.ok(json.expires_in > 14 * 60 && json.expires_in <= 15 * 60)
    const program = server.client()
    const agent = { 'user-agent': 'deploy/1.0' }
    assert.equal((await program.get('/auth/user', bearer(json.access_token, agent))).status, 200)
    const refreshed = await program.post('/auth/refresh', { refresh_token: json.refresh_token }, { headers: agent })
    assert.equal(refreshed.status, 200)
    const listed = (await client.get('/auth/sessions', { headers: { 'user-agent': firefox } })).json.items
    assert.ok(listed.some(({ id }: { id: string }) => id === json.session.id))
    assert.equal((await program.post('/auth/logout', undefined, bearer(refreshed.json.access_token, agent))).status, 204)
    assertProblem(await program.get('/auth/user', bearer(json.access_token)), 401, 'session-revoked')
    assert.equal((await client.get('/auth/user', { headers: { 'user-agent': firefox } })).status, 200)
    const { refresh_token: secret } = json
    assert.ok(!server.log.text().includes(secret.slice(45, 80)) && !server.log.text().includes(json.access_token.slice(45, 80)))
    assert.match(server.log.text(), /"kind":"authn_token_created"/)
  })

  it('needs a fresh sign-in, and gives the program no fresher one than its own', async () => {
    const clock = movableClock()
    await using server = await testServer({ overrides: { clock } })
    const client = await browser(server)
    clock.advance(9 * 60_000)
    const { access_token: token } = (await ask(client)).json
    const program = server.client()
    assert.equal((await program.post('/auth/keys', { name: 'a' }, bearer(token))).status, 201)
    clock.advance(2 * 60_000)
    assertProblem(await program.post('/auth/keys', { name: 'b' }, bearer(token)), 401, 'step-up-required')
    assertProblem(await program.post('/auth/tokens', {}, bearer(token)), 401, 'step-up-required')
    assertProblem(await ask(client), 401, 'step-up-required')
  })

  it('makes JWTs, and tokens for another service, which open nothing here', async () => {
    await using server = await testServer({ overrides: { engine: { sessionsPerSubject: 'unlimited' } } })
    const client = await browser(server)
    const own = publicOrigin(server.config)
    for (const format of ['opaque', 'jwt']) {
      for (const [audience, status] of [
        [undefined, 200],
        [own, 200],
        ['https://api.example', 401],
      ] as const) {
        const { json } = await ask(client, { format, audience })
        assert.equal(json.access_token.startsWith('eyJ'), format === 'jwt')
        const answer = await server.client().get('/auth/user', bearer(json.access_token))
        assert.equal(answer.status, status, `${format} for ${audience}`)
        if (status === 401) assert.equal(answer.json.code, 'session-required')
      }
    }
  })

  it('hands over nothing when its own session was ended meanwhile', async () => {
    await using server = await testServer()
    const client = await browser(server)
    const { holdfast } = server.services
    const { session } = (await client.get('/auth/session', { headers: { 'user-agent': firefox } })).json
    const issue = holdfast.issueTokens
    Object.assign(holdfast, {
      issueTokens: async (input: Parameters<typeof issue>[0]) => {
        await holdfast.revoke({ subject: input.subject })
        return issue(input)
      },
    })
    assertProblem(await ask(client), 401, 'session-revoked')
    const { items } = await holdfast.list({ subject: session.subject })
    assert.deepEqual(items, [])
  })

  it('is hindered by a full list of sessions no more than a sign-in, and says so where the list refuses', async () => {
    await using server = await testServer({ overrides: { engine: { sessionsPerSubject: { max: 1, whenFull: 'evict-oldest' } } } })
    const client = await browser(server)
    const { status, json } = await ask(client)
    assert.equal(status, 200)
    assert.equal((await server.client().get('/auth/user', bearer(json.access_token))).status, 200)
    assertProblem(await client.get('/auth/user', { headers: { 'user-agent': firefox } }), 401, 'session-evicted')
    const refusing = { engine: { sessionsPerSubject: { max: 2, whenFull: 'refuse' } } } as const
    await using full = await testServer({ overrides: refusing })
    assertProblem(await ask(await browser(full)), 403, 'session-limit')
  })

  it('counts as a sign-in of its network, and is refused with the time to wait when those are spent', async () => {
    await using server = await testServer()
    const client = await browser(server)
    const { signIn } = server.services.holdfast.http.limits
    const spendAll = async () => {
      for (let spent = 0; spent < 10_000; spent += 1) await signIn.spend('127.0.0.1')
    }
    await assert.rejects(spendAll(), { code: 'rate-limited' })
    const answer = await ask(client)
    assertProblem(answer, 429, 'rate-limited')
    assert.ok(Number(answer.headers.get('retry-after')) > 0)
  })

  it('gives a program that changes its password the refresh token that follows', async () => {
    await using server = await testServer()
    const client = await browser(server)
    const { json } = await ask(client)
    const program = server.client()
    const body = { currentPassword: goodPassword, newPassword: 'seven quiet lamps glow' }
    const changed = await program.post('/auth/password', body, bearer(json.access_token))
    assert.equal(changed.status, 200, changed.text)
    assert.equal((await program.get('/auth/user', bearer(changed.json.token))).status, 200)
    assert.equal((await program.post('/auth/refresh', { refresh_token: changed.json.refresh_token })).status, 200)
  })

  it('refuses bad input by the name of its field, and starts nothing', async () => {
    await using server = await testServer()
    const client = await browser(server)
    const wrong = [
      ['format', { format: 'jws' }],
      ['format', { format: 7 }],
      ['audience', { audience: '' }],
      ['audience', { audience: 'x'.repeat(257) }],
      ['audience', { audience: 'a\u202eb' }],
      ['label', { label: 'x'.repeat(65) }],
      ['label', { label: 'a\r\nb' }],
      ['label', { label: ['a'] }],
      ['scope', { scope: 'admin' }],
    ] as const
    for (const [field, body] of wrong) {
      const answer = await ask(client, body)
      assertProblem(answer, 400, 'invalid-request')
      assert.deepEqual(fieldsOf(answer), [field])
    }
    assert.equal((await client.get('/auth/sessions', { headers: { 'user-agent': firefox } })).json.items.length, 2)
  })
})
