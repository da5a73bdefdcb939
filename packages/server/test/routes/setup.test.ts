import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import type { PasswordHasher } from '../../src/passwords/hash.ts'
import { assertProblem, fieldsOf } from '../client.ts'
import { goodPassword, movableClock, setupToken, testServer } from '../harness.ts'

const first = { token: setupToken, username: 'root', password: goodPassword }

/** Hashes nothing, and counts. */
function countedHasher(): PasswordHasher & { hashes: number } {
  const counted = {
    hashes: 0,
    hash: async () => {
      counted.hashes += 1
      return ''
    },
    verify: async () => false,
    isOutdated: () => false,
    load: () => ({ running: 0, waiting: 0, refused: 0 }),
  }
  return counted
}

describe('set-up', () => {
  it('is needed until the first administrator exists, who can then sign in', async () => {
    await using server = await testServer()
    const client = server.client()
    assert.deepEqual((await client.get('/auth/setup')).json, { needed: true })
    const answer = await client.post('/auth/setup', first)
    assert.equal(answer.status, 201, answer.text)
    assert.deepEqual(
      { ...answer.json.user, id: '', createdAt: '' },
      { id: '', username: 'root', role: 'admin', disabled: false, createdAt: '' },
    )
    assert.deepEqual(answer.setCookies, [])
    assert.deepEqual((await client.get('/auth/setup')).json, { needed: false })
    await client.signIn('root', goodPassword)
  })

  it('makes one administrator out of 64 parallel posts', async () => {
    await using server = await testServer()
    const posts = Array.from({ length: 64 }, (_, at) => server.client().post('/auth/setup', { ...first, username: `root${at}` }))
    const answers = await Promise.all(posts)
    assert.equal(answers.filter(({ status }) => status === 201).length, 1)
    for (const answer of answers) if (answer.status !== 201) assertProblem(answer, 409, 'conflict')
    const page = await server.services.accounts.list({ limit: 200 })
    assert.equal(page.items.length, 1)
  })

  it('is refused a second time with the same token', async () => {
    const passwords = countedHasher()
    await using server = await testServer({ overrides: { passwords } })
    assert.equal((await server.client().post('/auth/setup', first)).status, 201)
    assertProblem(await server.client().post('/auth/setup', { ...first, username: 'second' }), 409, 'conflict')
    // The token is spent: it is no way to keep the processor busy either.
    assert.equal(passwords.hashes, 1)
  })

  it('is refused with a wrong token, and hashes nothing for it', async () => {
    const passwords = countedHasher()
    await using server = await testServer({ overrides: { passwords } })
    for (const token of ['wrong', `${setupToken}x`, setupToken.slice(1), 'é'.repeat(20)]) {
      assertProblem(await server.client().post('/auth/setup', { ...first, token }), 403, 'forbidden')
    }
    assert.equal(passwords.hashes, 0)
    assert.equal(await server.services.setup.isNeeded(), true)
  })

  it('is refused once its hour has passed', async () => {
    const clock = movableClock()
    await using server = await testServer({ overrides: { clock } })
    clock.advance(3_600_000)
    const answer = await server.client().post('/auth/setup', first)
    assertProblem(answer, 403, 'forbidden')
    assert.match(answer.json.detail, /expired/)
  })

  it('is refused from another site', async () => {
    await using server = await testServer()
    const client = server.client()
    for (const headers of [{ origin: 'https://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }]) {
      assertProblem(await client.post('/auth/setup', first, { headers }), 403, 'csrf-failed')
    }
    assert.equal(await server.services.setup.isNeeded(), true)
  })

  it('names every field that is wrong, and changes nothing', async () => {
    await using server = await testServer()
    const answer = await server.client().post('/auth/setup', { token: 5, username: ' x', extra: 1 })
    assertProblem(answer, 400, 'invalid-request')
    assert.deepEqual(fieldsOf(answer), ['extra', 'password', 'token', 'username'])
    const weak = await server.client().post('/auth/setup', { ...first, password: 'rootrootrootroot' })
    assertProblem(weak, 400, 'invalid-request')
    assert.deepEqual(fieldsOf(weak), ['password'])
    assert.equal(await server.services.setup.isNeeded(), true)
  })
})
