import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, it } from 'vitest'
import { routes } from '../../src/routes/index.ts'
import { assertProblem, fieldsOf } from '../client.ts'
import { goodPassword, testServer } from '../harness.ts'

const login = { username: 'root', password: goodPassword }

/** Writes bytes on a socket and returns everything that comes back. */
function raw(port: number, text: string | Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', reject)
    socket.on('close', () => resolve(Buffer.concat(chunks).toString()))
  })
}

describe('bodies', () => {
  const malformed: readonly (readonly [string, string | Uint8Array])[] = [
    ['cut short', '{"username":'],
    ['two values', '{}{}'],
    ['an object with a member twice', '{"username":"root","password":"x","username":"alice"}'],
    ['no JSON', 'username=root'],
    ['not UTF-8', Buffer.from('{"username":"root","password":"cut short \xff"}', 'latin1')],
    ['a key named __proto__', '{"__proto__":{"admin":true},"username":"root","password":"x"}'],
    ['a constructor with a prototype', '{"constructor":{"prototype":{"admin":true}},"username":"a","password":"x"}'],
    ['nested beyond reason', '['.repeat(8000)],
  ]
  it.each(malformed)('are refused when they are %s', async (_name, body) => {
    await using server = await testServer()
    assertProblem(await server.client().post('/auth/login', body), 400, 'invalid-request')
  })

  const wrong: readonly (readonly [string, unknown, string[]])[] = [
    ['nothing', undefined, ['body']],
    ['null', 'null', ['body']],
    ['a list', [], ['body']],
    ['a text', '"x"', ['body']],
    ['lists in lists beyond reason', `${'['.repeat(8000)}${']'.repeat(8000)}`, ['body']],
    ['an empty object', {}, ['password', 'username']],
    ['an operator', { username: { $ne: null }, password: ['a'] }, ['password', 'username']],
    ['numbers', { username: 1, password: 2, remember: 3 }, ['password', 'remember', 'username']],
    ['blanks', { username: '  ', password: '' }, ['password', 'username']],
    ['unknown names', { ...login, admin: true, role: 'admin' }, ['admin', 'role']],
    ['a lone surrogate', '{"username":"root","password":"\\ud800 and a good deal more"}', ['password']],
    ['a name too long', { username: 'x'.repeat(257), password: 'x' }, ['username']],
  ]
  it.each(wrong)('of %s get a problem that names each field', async (_name, body, fields) => {
    await using server = await testServer()
    const answer = await server.client().post('/auth/login', body)
    assertProblem(answer, 400, 'invalid-request')
    assert.deepEqual(fieldsOf(answer), fields)
  })

  it('beyond 16 KiB are refused as too large, whether or not they are announced', async () => {
    await using server = await testServer()
    const client = server.client()
    const padding = ' '.repeat(17_000)
    assertProblem(await client.post('/auth/login', { ...login, padding }), 413, 'payload-too-large')
    assertProblem(await client.post('/auth/login', `{${padding}`), 413, 'payload-too-large')
    assertProblem(await client.post('/auth/login', ' '.repeat(200_000)), 413, 'payload-too-large')
  })

  it('are JSON: every other type is refused, and a form is never a sign-in', async () => {
    await using server = await testServer()
    await server.administrator()
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/xml',
      'application/json5',
      'text/json',
      '*/*',
    ]) {
      const answer = await server.client().post('/auth/login', JSON.stringify(login), { headers: { 'content-type': type } })
      assertProblem(answer, 415, 'unsupported-media-type')
      assert.deepEqual(answer.setCookies, [])
    }
    const charset = { 'content-type': 'application/json; charset=utf-8' }
    assert.equal((await server.client().post('/auth/login', login, { headers: charset })).status, 200)
  })
})

describe('paths and methods', () => {
  it('that are unknown are 404, without a word about the server', async () => {
    await using server = await testServer()
    for (const path of ['/nothing', '/auth', '/auth/', '/auth/login/', '/admin', '/.env', '//healthz']) {
      const answer = await server.client().get(path)
      assertProblem(answer, 404, 'not-found')
      assert.equal(answer.headers.get('server'), null)
      assert.equal(answer.headers.get('x-powered-by'), null)
      assert.doesNotMatch(answer.text, /fastify|node/i)
    }
  })

  it('that do not go together are 405 and say what does', async () => {
    await using server = await testServer()
    const client = server.client()
    for (const path of new Set(routes.map((route) => route.path))) {
      const url = path.replace(':id', 'x')
      const known = routes.filter((route) => route.path === path).map(({ method }) => method)
      for (const method of ['PUT', 'OPTIONS', 'GET', 'POST', 'DELETE', 'PATCH'].filter(
        (name) => !known.some((one) => one === name),
      )) {
        const answer = await client.call(method, url, { headers: { 'x-http-method-override': known[0] ?? null } })
        assertProblem(answer, 405, 'method-not-allowed')
        assert.deepEqual(
          answer.headers
            .get('allow')
            ?.split(', ')
            .filter((name) => name !== 'HEAD')
            .sort(),
          [...known].sort(),
        )
      }
    }
  })

  it('that are no HTTP get a bare problem and a closed connection', async () => {
    await using server = await testServer()
    const port = Number(new URL(server.address).port)
    const requests: readonly (readonly [string, RegExp])[] = [
      ['nonsense\r\n\r\n', /^HTTP\/1\.1 400 /],
      ['GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n', /^HTTP\/1\.1 400 /],
      [`GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ${'x'.repeat(20_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
      ['GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 400 /],
    ]
    for (const [request, expected] of requests) {
      const answer = await raw(port, request)
      assert.match(answer, expected)
      assert.doesNotMatch(answer, /fastify|node/i)
    }
    const bad = await raw(port, 'GET /%zz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n')
    assert.match(bad, /^HTTP\/1\.1 400 [\s\S]*application\/problem\+json[\s\S]*"code":"invalid-request"/)
  })
})

describe('headers', () => {
  it.each([
    ['Host', 'evil.example'],
    ['Authorization', 'Bearer hf1_x'],
    ['Content-Type', 'text/plain'],
  ])('that are sent once are refused when there are two of them: %s', async (name, value) => {
    await using server = await testServer()
    const { host, port } = new URL(server.address)
    const body = JSON.stringify(login)
    const given = { Host: host, Origin: server.address, Authorization: 'Bearer x', 'Content-Type': 'application/json' }
    const lines = [...Object.entries(given), [name, value], ['Content-Length', body.length], ['Connection', 'close']]
    const head = lines.map((line) => line.join(': ')).join('\r\n')
    const answer = await raw(Number(port), `POST /auth/login HTTP/1.1\r\n${head}\r\n\r\n${body}`)
    assert.match(answer, /^HTTP\/1\.1 400 [\s\S]*application\/problem\+json/)
    const problem = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))
    const errors = [{ field: name.toLowerCase(), message: 'must be sent once' }]
    assert.deepEqual([problem.code, problem.errors], ['invalid-request', errors])
  })
})

describe('answers', () => {
  it('carry the security headers, whoever answers', async () => {
    await using server = await testServer()
    const client = server.client()
    const answers = await Promise.all([
      client.get('/healthz'),
      client.get('/nothing'),
      client.get('/auth/session'),
      client.post('/auth/login', {}),
      client.call('PUT', '/auth/login'),
    ])
    for (const { headers, status } of answers) {
      assert.equal(headers.get('cache-control'), 'no-store', String(status))
      assert.equal(headers.get('x-content-type-options'), 'nosniff')
      assert.equal(headers.get('referrer-policy'), 'no-referrer')
      assert.match(headers.get('vary') ?? '', /Cookie/)
      assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/)
      assert.equal(headers.get('strict-transport-security'), null)
      assert.ok(headers.get('x-request-id'))
    }
  })

  it('carry HSTS and prefixed cookies behind a proxy that ends TLS, and take the client’s address from it', async () => {
    const config = { url: new URL('https://auth.example.test'), trustedProxies: ['127.0.0.1'] }
    await using server = await testServer({ config })
    const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.9', origin: 'https://auth.example.test' }
    const client = server.client()
    await client.post('/auth/setup', { token: server.config.setupToken, username: 'root', password: goodPassword }, { headers })
    const answer = await client.post('/auth/login', login, { headers })
    assert.equal(answer.status, 200, answer.text)
    assert.match(answer.headers.get('strict-transport-security') ?? '', /max-age=31536000/)
    const names = answer.setCookies.map((line) => line.split('=', 1)[0]).sort()
    assert.deepEqual(names, ['__Host-Http-device', '__Host-Http-session', '__Host-csrf_token'])
    for (const line of answer.setCookies) assert.match(line, /; Secure/)
    assert.equal(answer.json.session.ip, '203.0.113.9')
    assert.match(server.log.text(), /"kind":"authn_login_success"[^\n]*"ip":"203\.0\.113\.9"/)
    const plain = await client.post('/auth/login', login, { headers: { ...headers, 'x-forwarded-proto': null } })
    assertProblem(plain, 403, 'insecure-transport')
  })

  it('never have an Origin of the request reflected', async () => {
    await using server = await testServer()
    const answer = await server.client().get('/healthz', { headers: { origin: 'https://evil.example' } })
    assert.equal(answer.headers.get('access-control-allow-origin'), null)
  })
})

describe('the log', () => {
  it('has no secret in it after everything was done', async () => {
    await using server = await testServer()
    const { client } = await server.user('alice')
    await client.post('/auth/password', { currentPassword: goodPassword, newPassword: 'seven quiet lamps glow' })
    await client.post('/auth/login', { username: 'hunter-secret-typed-as-name', password: 'typed wrong password' })
    await client.get('/auth/session?token=canary-in-url', { headers: { authorization: 'Bearer canary-bearer' } })
    await client.post('/auth/login', '{"password":"canary-broken')
    const text = server.log.text()
    const secrets = [
      goodPassword,
      'seven quiet lamps',
      'hunter-secret',
      'typed wrong',
      'canary',
      client.sessionToken ?? '',
      client.cookies.get('csrf_token') ?? '',
      'argon2',
    ]
    for (const secret of secrets) assert.ok(!text.includes(secret), secret)
    assert.match(text, /"kind":"authn_login_fail"/)
    assert.match(text, /"kind":"authn_password_change"/)
    assert.match(text, /"kind":"session_created"/)
  })

  it('is one JSON object per line, whatever the path', async () => {
    await using server = await testServer()
    const port = Number(new URL(server.address).port)
    // Node refuses what is not ASCII in a path; should it let some through, it would hand it on as Latin-1.
    for (const path of ['/a"b\\u202e', '/a\u009b31m', '/a\u0085b', `/${'long'.repeat(1000)}`]) {
      await raw(port, Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`, 'latin1'))
    }
    await server.client().get('/%0a%0d{"level":"fatal"}')
    const paths = server.log.lines().flatMap(({ path }) => (typeof path === 'string' ? [path] : []))
    assert.equal(paths.length, 3)
    for (const path of paths) {
      assert.match(path, /^[\x20-\x7e…]+$/)
      assert.ok(path.length <= 257)
    }
  })
})
