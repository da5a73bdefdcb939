import assert from 'node:assert/strict'
import { memoryStore } from 'holdfast/store/memory'
import { describe, it } from 'vitest'
import { changeOwnPassword } from '../../src/accounts/administer.ts'
import { assertProblem, Client, fieldsOf } from '../client.ts'
import { type Fault, failingStore } from '../failing-store.ts'
import { goodPassword, movableClock, otherPassword, testServer } from '../harness.ts'

const change = { currentPassword: goodPassword, newPassword: otherPassword }

describe('a password change', () => {
  it('ends every other session, gives this one a new secret, and makes the old password useless', async () => {
    await using server = await testServer()
    const { client } = await server.user('alice')
    const elsewhere = server.client()
    await elsewhere.signIn('alice', goodPassword)
    const stolen = client.copy()
    const answer = await client.post('/auth/password', change)
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.json.session.id, (await client.get('/auth/session')).json.session.id)
    assert.notEqual(client.sessionToken, stolen.sessionToken)
    assertProblem(await stolen.get('/auth/session'), 401, 'session-revoked')
    assertProblem(await elsewhere.get('/auth/session'), 401, 'session-revoked')
    assertProblem(
      await server.client().post('/auth/login', { username: 'alice', password: goodPassword }),
      401,
      'invalid-credentials',
    )
    await server.client().signIn('alice', otherPassword)
  })

  it('needs the current password', async () => {
    await using server = await testServer()
    const { client } = await server.user('alice')
    const other = server.client()
    await other.signIn('alice', goodPassword)
    assertProblem(
      await client.post('/auth/password', { ...change, currentPassword: 'guessed by someone' }),
      401,
      'invalid-credentials',
    )
    assert.equal((await client.get('/auth/session')).status, 200)
    assert.equal((await other.get('/auth/session')).status, 200)
    await server.client().signIn('alice', goodPassword)
  })

  const weak: readonly (readonly [string, string])[] = [
    ['fourteen char!', 'short by one'],
    ['x'.repeat(257), 'too long'],
    ['passwordpassword', 'common'],
    ['alice-alice-alice', 'the user name'],
    ['holdfastholdfast', 'the service'],
    ['qwertyuiopasdfgh', 'a keyboard row'],
    ['aaaaaaaaaaaaaaaa', 'one character'],
  ]
  it.each(weak)('refuses %s (%s)', async (newPassword) => {
    await using server = await testServer()
    const { client } = await server.user('alice')
    const answer = await client.post('/auth/password', { ...change, newPassword })
    assertProblem(answer, 400, 'invalid-request')
    assert.deepEqual(fieldsOf(answer), ['newPassword'])
    await server.client().signIn('alice', goodPassword)
  })

  it('has one winner of two at once, whose password holds', async () => {
    await using server = await testServer()
    const { client, id } = await server.user('alice')
    const answers = await Promise.all(
      ['seven quiet lamps glow', 'eight loud clocks chime'].map((newPassword) =>
        client.copy().post('/auth/password', { ...change, newPassword }),
      ),
    )
    const winners = answers.filter(({ status }) => status === 200)
    assert.ok(winners.length <= 1, answers.map(({ text }) => text).join('\n'))
    const account = await server.services.accounts.get(id)
    assert.equal(account?.version, 1)
  })

  it('leaves no session that signed in with the old password meanwhile', async () => {
    await using server = await testServer({ overrides: { engine: { sessionsPerSubject: 'unlimited' } } })
    const { client, id } = await server.user('alice')
    const others = Array.from({ length: 24 }, () => server.client())
    const signing = others.map((other) => other.post('/auth/login', { username: 'alice', password: goodPassword }))
    await signing[0]
    const answer = await client.post('/auth/password', change)
    assert.equal(answer.status, 200, answer.text)
    await Promise.all(signing)
    const left = await server.services.holdfast.list({ subject: id })
    assert.deepEqual(
      left.items.map((session) => session.id),
      [answer.json.session.id],
    )
  })

  it('ends a session that began with the old password between ending the others and changing it', async () => {
    await using server = await testServer()
    const { client, id } = await server.user('alice')
    const { services } = server
    const account = await services.accounts.get(id)
    const session = (await client.get('/auth/session')).json.session.id
    assert.ok(account)
    const late = server.client()
    const revoke: typeof services.holdfast.revoke = async (...call) => {
      const result = await services.holdfast.revoke(...call)
      if (late.sessionToken === undefined) await late.signIn('alice', goodPassword)
      return result
    }
    const parts = { ...services, holdfast: { ...services.holdfast, revoke } }
    await changeOwnPassword(parts, { account, newPassword: change.newPassword, session })
    assertProblem(await late.get('/auth/session'), 401, 'session-revoked')
    assert.equal((await client.get('/auth/session')).status, 200)
  })

  it('leaves the old password good when the session store is down', async () => {
    let fault: Fault = 'none'
    await using server = await testServer({ overrides: { store: failingStore(memoryStore(), () => fault) } })
    const { client } = await server.user('alice')
    fault = 'writes'
    const answer = await client.post('/auth/password', change)
    assertProblem(answer, 503, 'store-unavailable')
    assert.deepEqual(answer.setCookies, [])
    fault = 'none'
    assert.equal((await client.get('/auth/session')).status, 200)
    await server.client().signIn('alice', goodPassword)
  })

  it('needs the CSRF token, of this session', async () => {
    await using server = await testServer()
    const { client } = await server.user('alice')
    const root = server.client()
    await root.signIn('root', goodPassword)
    for (const token of [null, 'x', root.cookies.get('csrf_token') ?? '']) {
      assertProblem(await client.post('/auth/password', change, { headers: { 'x-csrf-token': token } }), 403, 'csrf-failed')
    }
    await server.client().signIn('alice', goodPassword)
  })
})

describe('re-authentication', () => {
  it('is a step-up with a new secret; the old one stays good for what is under way, without the new rights', async () => {
    await using server = await testServer()
    const { client } = await server.user('alice')
    const before = client.copy()
    const answer = await client.post('/auth/reauthenticate', { password: goodPassword })
    assert.equal(answer.status, 200, answer.text)
    assert.ok(Date.parse(answer.json.elevatedUntil) > Date.now())
    assert.notEqual(client.sessionToken, before.sessionToken)
    assert.ok((await client.get('/auth/session')).json.elevatedUntil)
    const old = await before.get('/auth/session')
    assert.equal(old.status, 200)
    assert.equal(old.json.elevatedUntil, undefined)
  })

  it('is refused with a wrong password', async () => {
    await using server = await testServer()
    const { client } = await server.user('alice')
    const before = client.sessionToken
    assertProblem(await client.post('/auth/reauthenticate', { password: 'not the right one' }), 401, 'invalid-credentials')
    assert.equal(client.sessionToken, before)
  })

  it('lets an administrator act again whose sign-in is too long ago', async () => {
    const clock = movableClock()
    await using server = await testServer({ overrides: { clock } })
    const admin = await server.administrator()
    const post = (username: string) => admin.post('/admin/users', { username, password: goodPassword })
    clock.advance(10 * 60_000)
    assert.equal((await post('early')).status, 201)
    clock.advance(1000)
    const challenge = await post('late')
    assertProblem(challenge, 401, 'step-up-required')
    assert.match(challenge.headers.get('www-authenticate') ?? '', /insufficient_user_authentication.*max_age=600/)
    await admin.post('/auth/reauthenticate', { password: goodPassword })
    assert.equal((await post('late')).status, 201)
    clock.advance(10 * 60_000 + 1000)
    assertProblem(await post('later'), 401, 'step-up-required')
  })

  it('gives a client without a session nothing to guess at', async () => {
    await using server = await testServer()
    await server.administrator()
    const stranger = new Client(server.address)
    assertProblem(await stranger.post('/auth/reauthenticate', { password: goodPassword }), 401, 'session-required')
    assertProblem(await stranger.post('/auth/password', change), 401, 'session-required')
  })
})
