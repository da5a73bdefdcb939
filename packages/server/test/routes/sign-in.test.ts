import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { createPasswordHasher, type PasswordHasher } from '../../src/passwords/hash.ts'
import { type Answer, assertProblem, Client, fieldsOf } from '../client.ts'
import { cheap, goodPassword, testServer } from '../harness.ts'

/** Hashes for real and counts; `pause` runs before each verification's answer is given. */
function watchedHasher(): PasswordHasher & { hashes: number; verifications: number; pause: () => Promise<void> } {
  const real = createPasswordHasher({ cost: cheap })
  const watched = {
    ...real,
    hashes: 0,
    verifications: 0,
    pause: async () => {},
    hash(password: string) {
      watched.hashes += 1
      return real.hash(password)
    },
    async verify(hash: string | undefined, password: string) {
      watched.verifications += 1
      const answer = await real.verify(hash, password)
      await watched.pause()
      return answer
    },
  }
  return watched
}

/** What a client can tell one refusal from another by. */
function visible({ status, headers, text, setCookies }: Answer): unknown {
  const shown = [...headers].filter(([name]) => !['date', 'x-request-id'].includes(name))
  return { status, shown, text, setCookies }
}

describe('sign-in', () => {
  it('answers the session and the user, and sets the cookies with their attributes', async () => {
    await using server = await testServer()
    await server.administrator()
    const client = server.client()
    const answer = await client.signIn('root', goodPassword)
    assert.equal(answer.json.session.subject, answer.json.user.id)
    assert.equal(answer.json.session.current, true)
    assert.deepEqual(answer.json.session.amr, ['pwd'])
    assert.equal(answer.json.user.username, 'root')
    assert.deepEqual(Object.keys(answer.json).sort(), ['session', 'user'])
    const [session = '', device = '', csrf = ''] = [...answer.setCookies].sort().reverse()
    assert.match(device, /^device=[\w-]{46}; .*HttpOnly/)
    assert.match(device, /SameSite=Strict/i)
    assert.match(device, /Max-Age=34560000/)
    assert.match(session, /^session=hf1_[\w-]+; /)
    assert.match(session, /HttpOnly/)
    assert.match(session, /SameSite=Strict/i)
    assert.match(session, /Path=\//)
    assert.doesNotMatch(session, /Max-Age|Domain/i)
    assert.match(csrf, /^csrf_token=/)
    assert.doesNotMatch(csrf, /HttpOnly/)
    assert.equal(answer.headers.get('cache-control'), 'no-store')
    assert.equal((await client.get('/auth/session')).status, 200)
    assert.equal((await client.get('/auth/user')).json.user.username, 'root')
  })

  it('takes the name in any case, width or composition, and the address', async () => {
    await using server = await testServer()
    const admin = await server.administrator()
    await admin.post('/admin/users', { username: 'Ünal', password: goodPassword, email: 'Unal@Example.test' })
    for (const name of ['ünal', 'U\u0308NAL', 'Ünal', 'unal@example.TEST']) await server.client().signIn(name, goodPassword)
  })

  it('outlives the browser only when asked to', async () => {
    await using server = await testServer()
    await server.administrator()
    const answer = await server.client().signIn('root', goodPassword, { remember: true })
    const line = answer.setCookies.find((cookie) => cookie.startsWith('session=')) ?? ''
    const seconds = Number(/Max-Age=(\d+)/.exec(line)?.[1])
    assert.ok(seconds > 2_591_000 && seconds <= 2_592_000, line)
  })

  it('refuses unknown, wrong and disabled alike, byte for byte, at the cost of one verification each', async () => {
    const passwords = watchedHasher()
    await using server = await testServer({ overrides: { passwords } })
    const admin = await server.administrator()
    const created = await admin.post('/admin/users', { username: 'gone', password: goodPassword })
    await admin.patch(`/admin/users/${created.json.user.id}`, { disabled: true })
    const attempts = [
      ['nobody', goodPassword],
      ['root', 'not the right password'],
      ['gone', goodPassword],
      ['gone', 'not the right password'],
      ["' OR 1=1 --", goodPassword],
      ['ro\u0000ot', goodPassword],
    ]
    const seen: unknown[] = []
    for (const [username, password] of attempts) {
      const before = passwords.verifications
      const answer = await server.client().post('/auth/login', { username, password })
      assertProblem(answer, 401, 'invalid-credentials')
      assert.equal(passwords.verifications - before, 1)
      seen.push(visible(answer))
    }
    for (const one of seen) assert.deepEqual(one, seen[0])
  })

  it('takes the password exactly: case, spaces, what comes after NUL, the last character of a long one', async () => {
    await using server = await testServer()
    const admin = await server.administrator()
    const password = `tall giraffes\u0000 read ${'ab cd ef '.repeat(20)}!`
    const created = await admin.post('/admin/users', { username: 'exact', password })
    assert.equal(created.status, 201, created.text)
    const near = [
      password.toUpperCase(),
      `${password} `,
      ` ${password}`,
      password.slice(0, -1),
      password.replace('\u0000', ''),
      password.split('\u0000')[0],
    ]
    for (const wrong of near)
      assertProblem(await server.client().post('/auth/login', { username: 'exact', password: wrong }), 401, 'invalid-credentials')
    await server.client().signIn('exact', password)
  })

  it('never hashes a password that is too long, and names the field', async () => {
    const passwords = watchedHasher()
    await using server = await testServer({ overrides: { passwords } })
    await server.administrator()
    const before = passwords.verifications
    for (const length of [513, 20_000, 100_000]) {
      const answer = await server.client().post('/auth/login', { username: 'root', password: 'x'.repeat(length) })
      assertProblem(answer, 400, 'invalid-request')
      assert.deepEqual(fieldsOf(answer), ['password'])
    }
    assert.equal(passwords.verifications, before)
  })

  it('is refused from another site before anything is hashed', async () => {
    const passwords = watchedHasher()
    await using server = await testServer({ overrides: { passwords } })
    await server.administrator()
    const before = passwords.verifications
    const forged = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: 'http://evil.localhost:1' },
      { 'sec-fetch-site': 'same-site' },
    ]
    for (const headers of forged) {
      const answer = await server.client().post('/auth/login', { username: 'root', password: goodPassword }, { headers })
      assertProblem(answer, 403, 'csrf-failed')
      assert.deepEqual(answer.setCookies, [])
    }
    assert.equal(passwords.verifications, before)
  })

  it('replaces the session of the browser: the one it came with is dead', async () => {
    await using server = await testServer()
    const client = await server.administrator()
    const stolen = client.copy()
    await client.signIn('root', goodPassword)
    assert.equal((await client.get('/auth/session')).status, 200)
    assertProblem(await stolen.get('/auth/session'), 401, 'session-revoked')
  })

  it('never adopts a token that the client chose', async () => {
    await using server = await testServer()
    const { client: attacker } = await server.user('mallory')
    const chosen = attacker.sessionToken ?? ''
    const victim = new Client(server.address, new Map([['session', chosen]]))
    await victim.signIn('root', goodPassword)
    assert.notEqual(victim.sessionToken, chosen)
    assertProblem(await attacker.get('/auth/session'), 401, 'session-revoked')
  })

  it('makes no session when the account is disabled while its password is checked', async () => {
    const passwords = watchedHasher()
    await using server = await testServer({ overrides: { passwords } })
    const { id } = await server.user('slow')
    // The last moment at which the sign-in can still not know: the session exists already.
    const { holdfast } = server.services
    const issued = new Promise<void>((resolve) => {
      holdfast.on(({ kind }) => {
        if (kind === 'session_created') resolve()
      })
    })
    const disable = async () => {
      await server.services.accounts.change(id, { disabled: true })
      await holdfast.revoke({ subject: id }, { reason: 'subject-disabled' })
    }
    passwords.pause = disable
    const client = server.client()
    assertProblem(await client.post('/auth/login', { username: 'slow', password: goodPassword }), 401, 'invalid-credentials')
    await issued
    assert.equal(client.sessionToken, undefined)
    assert.deepEqual((await holdfast.list({ subject: id })).items, [])
  })

  it('leaves no session when accounts change under 32 parallel sign-ins', async () => {
    await using server = await testServer({ overrides: { engine: { sessionsPerSubject: 'unlimited' } } })
    const admin = await server.administrator()
    const { json } = await admin.post('/admin/users', { username: 'busy', password: goodPassword })
    const clients = Array.from({ length: 32 }, () => server.client())
    const signing = clients.map((client) => client.post('/auth/login', { username: 'busy', password: goodPassword }))
    await signing[0]
    const disabled = await admin.patch(`/admin/users/${json.user.id}`, { disabled: true })
    assert.equal(disabled.status, 200, disabled.text)
    const answers = await Promise.all(signing)
    // Ten refusals lock the name for this source.
    for (const { status } of answers) assert.ok(status === 200 || status === 401 || status === 429)
    for (const client of clients) assert.notEqual((await client.get('/auth/session')).status, 200)
    assert.deepEqual((await server.services.holdfast.list({ subject: json.user.id })).items, [])
  })

  it('keeps the cap under 64 simultaneous sign-ins: exactly five stay', async () => {
    await using server = await testServer()
    const { id } = await server.user('many')
    const clients = Array.from({ length: 64 }, () => server.client())
    const answers = await Promise.all(
      clients.map((client) => client.post('/auth/login', { username: 'many', password: goodPassword })),
    )
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
    const states = await Promise.all(clients.map((client) => client.get('/auth/session')))
    assert.equal(states.filter(({ status }) => status === 200).length, 5)
    for (const state of states) if (state.status !== 200) assertProblem(state, 401, 'session-evicted')
    assert.equal((await server.services.holdfast.list({ subject: id })).items.length, 5)
  })

  it('tells a full queue by 429 and Retry-After, and works again afterwards', async () => {
    const passwords = { cost: { memory: 16_384, passes: 2, lanes: 1 }, limits: { running: 1, waiting: 2 } }
    await using server = await testServer({ overrides: { passwords } })
    await server.administrator()
    const clients = Array.from({ length: 16 }, () => server.client())
    const answers = await Promise.all(
      clients.map((client) => client.post('/auth/login', { username: 'root', password: goodPassword })),
    )
    const refused = answers.filter(({ status }) => status !== 200)
    assert.ok(refused.length > 0)
    for (const answer of refused) {
      assertProblem(answer, 429, 'rate-limited')
      assert.equal(answer.headers.get('retry-after'), '2')
    }
    await server.client().signIn('root', goodPassword)
  })

  it('brings a hash of weaker parameters to today’s at the next sign-in', async () => {
    await using server = await testServer()
    await server.administrator()
    const account = await server.services.accounts.find('root')
    assert.ok(account)
    const weaker = createPasswordHasher({ cost: { memory: 32, passes: 1, lanes: 1 } })
    assert.equal(await server.services.accounts.rehash(account.id, account.passwordHash, await weaker.hash(goodPassword)), true)
    const client = server.client()
    await client.signIn('root', goodPassword)
    const after = await server.services.accounts.find('root')
    assert.match(after?.passwordHash ?? '', /m=64,/)
    assert.equal((await client.get('/auth/session')).status, 200)
    await server.client().signIn('root', goodPassword)
  })

  it('hands the new token to a client that authenticates by header, and sets it no cookie', async () => {
    await using server = await testServer()
    const { client } = await server.user('cli')
    const bare = server.client()
    const headers = { authorization: `Bearer ${client.sessionToken}`, origin: null }
    const answer = await bare.post('/auth/login', { username: 'cli', password: goodPassword }, { headers })
    assert.equal(answer.status, 200, answer.text)
    assert.deepEqual(answer.setCookies, [])
    const fresh = { authorization: `Bearer ${answer.json.token}` }
    assert.equal((await bare.get('/auth/session', { headers: fresh })).status, 200)
  })
})

describe('a copy of the session', () => {
  it('is dead after logout', async () => {
    await using server = await testServer()
    const client = await server.administrator()
    const stolen = client.copy()
    assert.equal((await client.post('/auth/logout')).status, 204)
    assertProblem(await stolen.get('/auth/session'), 401, 'session-revoked')
    assertProblem(await stolen.get('/auth/user'), 401, 'session-revoked')
    assertProblem(await client.get('/auth/user'), 401, 'session-required')
  })

  it('is dead when the account is disabled, deleted or gets another role', async () => {
    await using server = await testServer()
    const admin = await server.administrator()
    for (const [name, end] of Object.entries({
      disabled: (id: string) => admin.patch(`/admin/users/${id}`, { disabled: true }),
      demoted: (id: string) => admin.patch(`/admin/users/${id}`, { role: 'admin' }),
      deleted: (id: string) => admin.delete(`/admin/users/${id}`),
      ended: (id: string) => admin.delete(`/admin/users/${id}/sessions`),
    })) {
      const { json } = await admin.post('/admin/users', { username: name, password: goodPassword })
      const client = server.client()
      await client.signIn(name, goodPassword)
      assert.equal((await client.get('/auth/user')).status, 200)
      assert.ok((await end(json.user.id)).status < 300)
      assertProblem(await client.get('/auth/user'), 401, 'session-revoked')
      assertProblem(await client.get('/auth/session'), 401, 'session-revoked')
    }
  })
})
