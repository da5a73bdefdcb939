import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'vitest'
import { assertProblem, type Client, fieldsOf } from '../client.ts'
import { databaseIn, goodPassword, movableClock, type TestServer, testServer } from '../harness.ts'

const later = '2027-01-31T12:00:00.000Z'

async function make(client: Client, changes: object = {}) {
  const answer = await client.post('/auth/keys', { name: 'backup', scopes: ['read'], ...changes })
  assert.equal(answer.status, 201, answer.text)
  return answer.json as { readonly key: { readonly id: string; readonly owner: string }; readonly token: string }
}

describe('API keys over HTTP', () => {
  it('are made, shown once, listed without their secret and ended by their owner', async () => {
    await using server = await testServer({ overrides: { clock: movableClock() } })
    const { client, id } = await server.user('alice')
    const { key, token } = await make(client, { networks: ['127.0.0.0/8'], expiresAt: later })
    assert.match(token, /^hfk1_[\w-]{104}$/)
    const listed = await client.get('/auth/keys')
    assert.deepEqual(listed.json.items, [key])
    assert.deepEqual([key.owner, listed.text.includes(token), /digest/.test(listed.text)], [id, false, false])
    const verdict = await server.services.apiKeys.check(token, { ip: '127.0.0.1' })
    assert.equal(verdict.status, 'live')
    assert.equal((await client.delete(`/auth/keys/${key.id}`)).status, 204)
    assertProblem(await client.delete(`/auth/keys/${key.id}`), 404, 'not-found')
    assert.deepEqual(await server.services.apiKeys.check(token, { ip: '127.0.0.1' }), { status: 'dead', reason: 'revoked' })
    for (const file of ['', '-wal']) assert.ok(!readFileSync(databaseIn(server.folder) + file).includes(token.slice(45, 80)))
    assert.ok(!server.log.text().includes(token.slice(45, 80)))
    assert.match(server.log.text(), /"kind":"api_key_created"/)
  })

  it('need a fresh sign-in or a step-up to be made and ended, not to be seen', async () => {
    const clock = movableClock()
    await using server = await testServer({ overrides: { clock } })
    const { client } = await server.user('alice')
    const { key } = await make(client)
    clock.advance(11 * 60_000)
    assertProblem(await client.post('/auth/keys', { name: 'late' }), 401, 'step-up-required')
    assertProblem(await client.delete(`/auth/keys/${key.id}`), 401, 'step-up-required')
    assert.equal((await client.get('/auth/keys')).json.items.length, 1)
    await client.post('/auth/reauthenticate', { password: goodPassword })
    await make(client)
  })

  it('of others are out of reach, except for administrators', async () => {
    await using server = await testServer()
    const { client: alice } = await server.user('alice')
    const { key } = await make(alice)
    const root = server.client()
    await root.signIn('root', goodPassword)
    await root.post('/admin/users', { username: 'bob', password: goodPassword })
    const bob = server.client()
    await bob.signIn('bob', goodPassword)
    assertProblem(await bob.delete(`/auth/keys/${key.id}`), 404, 'not-found')
    assert.deepEqual((await bob.get('/auth/keys')).json, { items: [] })
    assert.equal((await root.get(`/admin/keys?owner=${key.owner}`)).json.items[0].id, key.id)
    assert.equal((await root.delete(`/admin/keys/${key.id}`)).status, 204)
    assertProblem(await root.delete(`/admin/keys/${key.id}`), 404, 'not-found')
  })

  it('die at once with their account, disabled or deleted', async () => {
    await using server = await testServer()
    const { client, id } = await server.user('alice')
    const first = await make(client)
    const root = server.client()
    await root.signIn('root', goodPassword)
    const statusOf = async (token: string) => (await server.services.apiKeys.check(token, { ip: '127.0.0.1' })).status
    await root.patch(`/admin/users/${id}`, { disabled: true })
    assert.equal(await statusOf(first.token), 'dead')
    await root.patch(`/admin/users/${id}`, { disabled: false })
    assert.equal(await statusOf(first.token), 'dead')
    await client.signIn('alice', goodPassword)
    const second = await make(client)
    assert.equal(await statusOf(second.token), 'live')
    // The account alone: as when its keys could not be ended in time.
    await server.services.accounts.change(id, { disabled: true })
    assert.equal(await statusOf(second.token), 'dead')
    await root.delete(`/admin/users/${id}`)
    assert.ok(
      (await root.get('/admin/keys')).json.items.every(({ revokedAt }: { revokedAt?: string }) => revokedAt !== undefined),
    )
  })

  it('come in pages', async () => {
    await using server = await testServer()
    const { client } = await server.user('alice')
    const made: string[] = []
    for (const name of ['a', 'b', 'c']) made.push((await make(client, { name })).key.id)
    const first = await client.get('/auth/keys?limit=2')
    const second = await client.get(`/auth/keys?limit=2&cursor=${first.json.next}`)
    const ids = [...first.json.items, ...second.json.items].map(({ id }: { id: string }) => id)
    assert.deepEqual([ids.sort(), second.json.next], [made.sort(), undefined])
    assertProblem(await client.get('/auth/keys?cursor=nonsense'), 400, 'invalid-request')
  })

  it('refuse bad input by the name of its field, and more than fifty', async () => {
    await using server = await testServer()
    const { client } = await server.user('alice')
    const wrong = [
      ['name', { name: '' }],
      ['name', { name: 'x'.repeat(101) }],
      ['name', { name: 'a\u0007b' }],
      ['scopes', { scopes: ['a b'] }],
      ['scopes', { scopes: Array.from({ length: 33 }, (_, at) => `s${at}`) }],
      ['networks', { networks: ['0.0.0.0/0'] }],
      ['expiresAt', { expiresAt: 'tomorrow' }],
      ['expiresAt', { expiresAt: '2001-01-01T00:00:00Z' }],
    ] as const
    for (const [field, changes] of wrong) {
      const answer = await client.post('/auth/keys', { name: 'backup', ...changes })
      assertProblem(answer, 400, 'invalid-request')
      assert.deepEqual(fieldsOf(answer), [field])
    }
    assert.deepEqual((await client.get('/auth/keys')).json, { items: [] })
    const made = await Promise.all(Array.from({ length: 64 }, () => client.copy().post('/auth/keys', { name: 'many' })))
    assert.equal(made.filter(({ status }) => status === 201).length, 50)
    assert.equal(made.filter(({ status }) => status === 409).length, 14)
  })
})

describe('a key that an administrator makes', () => {
  const foreign = 'vT7q-Zx2Lm9_Rk4bWn8sYc3HdPf6Ga1JeUo5'
  const check = (server: TestServer, token: string) => server.services.apiKeys.check(token, { ip: '127.0.0.1' })

  it('is of the account that it is for, and dies with it', async () => {
    await using server = await testServer()
    const { id } = await server.user('alice')
    const root = server.client()
    await root.signIn('root', goodPassword)
    const { status, json } = await root.post('/admin/keys', { owner: id, name: 'backup', scopes: ['read'] })
    assert.deepEqual([status, json.key.owner, json.key.scopes], [201, id, ['read']])
    assert.equal((await check(server, json.token)).status, 'live')
    await server.services.accounts.change(id, { disabled: true })
    assert.equal((await check(server, json.token)).status, 'dead')
    for (const owner of [id, 'nobody']) {
      const answer = await root.post('/admin/keys', { owner, name: 'late' })
      assertProblem(answer, 400, 'invalid-request')
      assert.deepEqual(fieldsOf(answer), ['owner'])
    }
    assert.match(server.log.text(), /"kind":"authz_admin".*"outcome":"api-key-made"/)
  })

  it('may be one of elsewhere where that is accepted, which is repeated nowhere', async () => {
    await using server = await testServer({ config: { importedKeys: true } })
    const root = await server.administrator()
    const owner = (await root.get('/auth/user')).json.user.id
    const imported = await root.post('/admin/keys', { owner, name: 'legacy', token: foreign })
    assert.deepEqual([imported.status, Object.keys(imported.json)], [201, ['key']])
    assert.equal((await check(server, foreign)).status, 'live')
    assertProblem(await root.post('/admin/keys', { owner, name: 'again', token: foreign }), 409, 'conflict')
    for (const token of ['short', 'a'.repeat(40), 'abcdefghijklmnopqrstuvwxyz0123456789', `hfk1_${foreign}`, 'x'.repeat(513)]) {
      const answer = await root.post('/admin/keys', { owner, name: 'weak', token })
      assertProblem(answer, 400, 'invalid-request')
      assert.deepEqual(fieldsOf(answer), ['token'])
    }
    assert.equal((await root.delete(`/auth/keys/${imported.json.key.id}`)).status, 204)
    assert.equal((await check(server, foreign)).status, 'dead')
    for (const file of ['', '-wal']) assert.ok(!readFileSync(databaseIn(server.folder) + file).includes(foreign))
    assert.ok(!server.log.text().includes(foreign))
  })

  it('is never one of elsewhere by default', async () => {
    await using server = await testServer()
    const root = await server.administrator()
    const owner = (await root.get('/auth/user')).json.user.id
    const answer = await root.post('/admin/keys', { owner, name: 'legacy', token: foreign })
    assertProblem(answer, 400, 'invalid-request')
    assert.deepEqual(fieldsOf(answer), ['token'])
    assert.deepEqual(await check(server, foreign), { status: 'dead', reason: 'malformed' })
    assert.deepEqual((await root.get('/admin/keys')).json.items, [])
  })
})
