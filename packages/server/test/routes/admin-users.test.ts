import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { assertProblem, fieldsOf } from '../client.ts'
import { goodPassword, testServer } from '../harness.ts'

describe('accounts, for administrators', () => {
  it('are made, read, listed, searched and paged', async () => {
    await using server = await testServer()
    const admin = await server.administrator()
    for (const username of ['carol', 'alice', 'bob_']) {
      const answer = await admin.post('/admin/users', { username, password: goodPassword, email: `${username}@mail.test` })
      assert.equal(answer.status, 201, answer.text)
      assert.deepEqual(Object.keys(answer.json.user).sort(), ['createdAt', 'disabled', 'email', 'id', 'role', 'username'])
      assert.equal((await admin.get(`/admin/users/${answer.json.user.id}`)).json.user.username, username)
    }
    const names = async (query: string) =>
      (await admin.get(`/admin/users${query}`)).json.items.map((user: { username: string }) => user.username)
    assert.deepEqual(await names(''), ['alice', 'bob_', 'carol', 'root'])
    assert.deepEqual(await names('?search=LI'), ['alice'])
    assert.deepEqual(await names('?search=mail.test'), ['alice', 'bob_', 'carol'])
    assert.deepEqual(await names('?search=%25'), [])
    assert.deepEqual(await names('?search=b_'), ['bob_'])
    const first = await admin.get('/admin/users?limit=3')
    assert.equal(first.json.items.length, 3)
    const second = await admin.get(`/admin/users?limit=3&cursor=${encodeURIComponent(first.json.next)}`)
    assert.deepEqual(
      second.json.items.map((user: { username: string }) => user.username),
      ['root'],
    )
    assert.equal(second.json.next, undefined)
  })

  it('never show a hash', async () => {
    await using server = await testServer()
    const admin = await server.administrator()
    assert.doesNotMatch((await admin.get('/admin/users')).text, /argon2/)
    assert.doesNotMatch(server.log.text(), /argon2/)
  })

  it('share one space of names: user names and addresses, in any case or width', async () => {
    await using server = await testServer()
    const admin = await server.administrator()
    const make = (username: string, email?: string) => admin.post('/admin/users', { username, password: goodPassword, email })
    assert.equal((await make('straße', 'One@Mail.test')).status, 201)
    const taken: readonly (readonly [string, string | undefined, string])[] = [
      ['STRASSE', undefined, 'username'],
      ['ｓｔｒａße', undefined, 'username'],
      ['one@mail.test', undefined, 'username'],
      ['two', 'ONE@mail.test', 'email'],
      ['root', 'x@mail.test', 'username'],
    ]
    for (const [username, email, field] of taken) {
      const answer = await make(username, email)
      assertProblem(answer, 409, 'conflict')
      assert.deepEqual(fieldsOf(answer), [field])
    }
    const { json } = await make('self@mail.test', 'Self@mail.test')
    for (const email of ['ONE@mail.test', 'self@mail.test']) {
      const answer = await admin.patch(`/admin/users/${json.user.id}`, { email })
      if (email === 'self@mail.test') assert.equal(answer.status, 200)
      else assertProblem(answer, 409, 'conflict')
    }
  })

  it('refuse names that mislead or hide', async () => {
    await using server = await testServer()
    const admin = await server.administrator()
    const names = [
      '',
      '  ',
      ' a',
      'a ',
      'a\nb',
      'a\u0000',
      'a\u200bb',
      'a\u202eb',
      'x'.repeat(65),
      '\u00a0',
      'a\u2028b',
      '\ud800',
    ]
    for (const username of names) {
      const answer = await admin.post('/admin/users', { username, password: goodPassword })
      assertProblem(answer, 400, 'invalid-request')
      assert.deepEqual(fieldsOf(answer), ['username'])
    }
    for (const email of ['', 'nobody', 'a@', '@b', 'a b@c.test', 'a@b..test', `${'x'.repeat(130)}@a.test`]) {
      const answer = await admin.post('/admin/users', { username: 'fine', password: goodPassword, email })
      assertProblem(answer, 400, 'invalid-request')
      assert.deepEqual(fieldsOf(answer), ['email'])
    }
    assert.equal((await server.services.accounts.list({ limit: 10 })).items.length, 1)
  })

  it('refuse passwords that are guessed from the account', async () => {
    await using server = await testServer()
    const admin = await server.administrator()
    const answer = await admin.post('/admin/users', { username: 'marigold', password: 'marigold-marigold' })
    assertProblem(answer, 400, 'invalid-request')
    assert.deepEqual(fieldsOf(answer), ['password'])
  })

  it('change: disabled, role, address, and nothing else', async () => {
    await using server = await testServer()
    const admin = await server.administrator()
    const { json } = await admin.post('/admin/users', { username: 'dora', password: goodPassword })
    const path = `/admin/users/${json.user.id}`
    const after = await admin.patch(path, { disabled: true, role: 'admin', email: 'd@mail.test' })
    assert.equal(after.status, 200, after.text)
    assert.deepEqual(
      { ...after.json.user, createdAt: '' },
      { id: json.user.id, username: 'dora', email: 'd@mail.test', role: 'admin', disabled: true, createdAt: '' },
    )
    assert.equal((await admin.patch(path, { email: null })).json.user.email, undefined)
    for (const [body, fields] of [
      [{}, ['body']],
      [{ username: 'x', role: 'user' }, ['username']],
      [{ passwordHash: 'x', disabled: 'no' }, ['disabled', 'passwordHash']],
      [{ role: 'root' }, ['role']],
      [[], ['body']],
      [null, ['body']],
    ] as const) {
      const answer = await admin.patch(path, body)
      assertProblem(answer, 400, 'invalid-request')
      assert.deepEqual(fieldsOf(answer), fields)
    }
    assertProblem(await admin.patch('/admin/users/nobody', { disabled: true }), 404, 'not-found')
  })

  it('keep one enabled administrator, whatever is tried, also at once', async () => {
    await using server = await testServer()
    const admin = await server.administrator()
    const id = (await admin.get('/auth/user')).json.user.id
    for (const body of [{ disabled: true }, { role: 'user' }])
      assertProblem(await admin.patch(`/admin/users/${id}`, body), 409, 'conflict')
    assertProblem(await admin.delete(`/admin/users/${id}`), 409, 'conflict')
    const { json } = await admin.post('/admin/users', { username: 'second', password: goodPassword, role: 'admin' })
    const second = server.client()
    await second.signIn('second', goodPassword)
    await Promise.all([
      admin.patch(`/admin/users/${json.user.id}`, { role: 'user' }),
      second.patch(`/admin/users/${id}`, { disabled: true }),
    ])
    const left = (await server.services.accounts.list({ limit: 10 })).items.filter(
      (account) => account.role === 'admin' && !account.disabled,
    )
    assert.ok(left.length >= 1)
  })

  it('lose an administrator’s rights at once when demoted, on every open session', async () => {
    await using server = await testServer()
    const admin = await server.administrator()
    const { json } = await admin.post('/admin/users', { username: 'second', password: goodPassword, role: 'admin' })
    const second = server.client()
    await second.signIn('second', goodPassword)
    assert.equal((await second.get('/admin/users')).status, 200)
    await admin.patch(`/admin/users/${json.user.id}`, { role: 'user' })
    assertProblem(await second.get('/admin/users'), 401, 'session-revoked')
    await second.signIn('second', goodPassword)
    assertProblem(await second.get('/admin/users'), 403, 'forbidden')
  })

  it('hold the role of the account, not of the session: a demotion whose sessions could not be ended still counts', async () => {
    await using server = await testServer()
    const admin = await server.administrator()
    const { json } = await admin.post('/admin/users', { username: 'second', password: goodPassword, role: 'admin' })
    const second = server.client()
    await second.signIn('second', goodPassword)
    await server.services.accounts.change(json.user.id, { role: 'user' })
    assertProblem(await second.get('/admin/users'), 403, 'forbidden')
    await server.services.accounts.change(json.user.id, { disabled: true })
    assertProblem(await second.get('/auth/user'), 401, 'session-revoked')
  })

  it('are never the same again: a new account of an old name has a new id and none of its sessions', async () => {
    await using server = await testServer()
    const admin = await server.administrator()
    const make = () => admin.post('/admin/users', { username: 'again', password: goodPassword })
    const { json: first } = await make()
    const old = server.client()
    await old.signIn('again', goodPassword)
    assert.equal((await admin.delete(`/admin/users/${first.user.id}`)).status, 204)
    assertProblem(await admin.delete(`/admin/users/${first.user.id}`), 404, 'not-found')
    const { json: second } = await make()
    assert.notEqual(second.user.id, first.user.id)
    assertProblem(await old.get('/auth/user'), 401, 'session-revoked')
  })

  it('end all sessions of one account and tell how many', async () => {
    await using server = await testServer()
    const { id } = await server.user('eve')
    await server.client().signIn('eve', goodPassword)
    const admin = server.client()
    await admin.signIn('root', goodPassword)
    assert.deepEqual((await admin.delete(`/admin/users/${id}/sessions`)).json, { revoked: 2, durable: true })
    assertProblem(await admin.delete('/admin/users/nobody/sessions'), 404, 'not-found')
  })
})
