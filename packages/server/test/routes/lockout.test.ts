import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { type Answer, assertProblem, type Client } from '../client.ts'
import { goodPassword, movableClock, type TestServer, testServer } from '../harness.ts'

const wrong = 'not the right passphrase'
const attempt = (client: Client, username: string, password = wrong, headers = {}): Promise<Answer> =>
  client.post('/auth/login', { username, password }, { headers })

async function fail(server: TestServer, username: string, times = 10): Promise<void> {
  for (let count = 0; count < times; count += 1) {
    assertProblem(await attempt(server.client(), username), 401, 'invalid-credentials')
  }
}

/** What a client can tell one refusal from another by. */
const visible = ({ status, headers, text }: Answer): unknown => ({
  status,
  text,
  headers: [...headers].filter(([name]) => !['date', 'x-request-id'].includes(name)),
})

describe('lockout', () => {
  it('answers the same for an account and for a name that nobody has, before and after it locks', async () => {
    await using server = await testServer({ overrides: { clock: movableClock() } })
    await server.user('alice')
    for (let count = 0; count < 12; count += 1) {
      const known = await attempt(server.client(), 'alice')
      assert.deepEqual(visible(known), visible(await attempt(server.client(), 'nobody')))
      assert.equal(known.status, count < 10 ? 401 : 429)
    }
    const locked = await attempt(server.client(), 'alice', goodPassword)
    assertProblem(locked, 429, 'account-locked')
    assert.equal(locked.headers.get('retry-after'), '900')
    assert.match(server.log.text(), /"kind":"authn_login_lock"/)
  })

  it('lets the owner in from a known device, whatever others try', async () => {
    const config = { url: new URL('https://auth.example.test'), trustedProxies: ['127.0.0.1'] }
    await using server = await testServer({ config })
    const from = (ip: string) => ({ 'x-forwarded-proto': 'https', 'x-forwarded-for': ip, origin: 'https://auth.example.test' })
    const owner = server.client()
    const setup = { token: server.config.setupToken, username: 'root', password: goodPassword }
    await owner.post('/auth/setup', setup, { headers: from('203.0.113.9') })
    assert.equal((await attempt(owner, 'root', goodPassword, from('203.0.113.9'))).status, 200)
    const variants = ['root', 'ROOT', 'ｒｏｏｔ', 'Ro\u{FF4F}t']
    for (let count = 0; count < 130; count += 1) {
      const headers = from(
        count % 2 === 0 ? `198.51.100.${Math.floor(count / 12)}` : `2001:db8:0:${Math.floor(count / 12)}::${count}`,
      )
      const { status } = await attempt(server.client(), variants[count % variants.length] ?? '', wrong, headers)
      assert.ok(status === 401 || status === 429)
    }
    assertProblem(await attempt(server.client(), 'root', goodPassword, from('192.0.2.77')), 429, 'account-locked')
    assert.equal((await attempt(owner, 'root', goodPassword, from('198.51.100.1'))).status, 200)
  })

  it('keeps a forged X-Forwarded-For from being a new source', async () => {
    await using server = await testServer()
    await server.user('alice')
    for (let count = 0; count < 10; count += 1) {
      const headers = { 'x-forwarded-for': `203.0.113.${count}` }
      const { status } = await attempt(server.client(), 'alice', wrong, headers)
      assert.equal(status, 401)
    }
    assertProblem(await attempt(server.client(), 'alice', wrong, { 'x-forwarded-for': '203.0.113.99' }), 429, 'account-locked')
    assert.equal(server.log.text().match(/"kind":"proxy_unlisted"/g)?.length, 1)
  })

  it('holds where a session asks for the password: a stolen one guesses no faster', async () => {
    await using server = await testServer()
    const { client } = await server.user('alice')
    for (let count = 0; count < 5; count += 1) {
      assertProblem(await client.post('/auth/reauthenticate', { password: wrong }), 401, 'invalid-credentials')
      const change = { currentPassword: wrong, newPassword: 'seven quiet lamps glow' }
      assertProblem(await client.post('/auth/password', change), 401, 'invalid-credentials')
    }
    assertProblem(await client.post('/auth/reauthenticate', { password: goodPassword }), 429, 'account-locked')
    assert.equal((await client.get('/auth/session')).status, 200)
  })

  it('is seen and lifted by an administrator', async () => {
    await using server = await testServer()
    const { id } = await server.user('alice')
    await fail(server, 'alice')
    const admin = server.client()
    await admin.signIn('root', goodPassword)
    const { items } = (await admin.get('/admin/lockouts')).json
    assert.deepEqual([items.length, items[0].kind, items[0].subject, items[0].username], [1, 'source', id, 'alice'])
    assert.equal((await admin.call('DELETE', `/admin/lockouts/${items[0].id}`, { body: {} })).status, 204)
    assertProblem(await admin.call('DELETE', `/admin/lockouts/${items[0].id}`, { body: {} }), 404, 'not-found')
    assert.equal((await attempt(server.client(), 'alice', goodPassword)).status, 200)
  })

  it('limits one source to 120 attempts a minute, over any number of names', async () => {
    await using server = await testServer({ overrides: { clock: movableClock() } })
    await server.administrator()
    const answers: Answer[] = []
    for (let count = 0; count < 125; count += 1) answers.push(await attempt(server.client(), `name-${count}`))
    const refused = answers.filter(({ status }) => status === 429)
    assert.ok(refused.length >= 5)
    for (const answer of refused) assertProblem(answer, 429, 'rate-limited')
  })
})

describe('a user name', () => {
  it.each(['аlice', 'pаypal', 'al\u{0430}n', 'ελa'])('of mixed scripts is refused: %s', async (username) => {
    await using server = await testServer()
    const admin = await server.administrator()
    const answer = await admin.post('/admin/users', { username, password: goodPassword })
    assertProblem(answer, 400, 'invalid-request')
    assert.deepEqual(answer.json.errors, [{ field: 'username', message: 'must not mix letters of several scripts' }])
  })

  it.each(['Алиса', '田中さくら', 'Müller-Lüdenscheidt', '김 Kim', 'أحمد', 'O’Brien 2'])(
    'of one writing system is taken: %s',
    async (username) => {
      await using server = await testServer()
      const admin = await server.administrator()
      assert.equal((await admin.post('/admin/users', { username, password: goodPassword })).status, 201)
    },
  )
})
