import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { assertProblem, fieldsOf } from '../client.ts'
import { goodPassword, testServer } from '../harness.ts'

interface Item {
  readonly id: string
  readonly username: string | null
  readonly current: boolean
  readonly reason?: string
}

describe('sessions, for administrators', () => {
  it('are listed with their names, filtered and paged', async () => {
    await using server = await testServer()
    const { client, id } = await server.user('alice')
    await server.client().signIn('alice', goodPassword)
    const admin = server.client()
    await admin.signIn('root', goodPassword)
    const list = async (query: string): Promise<Item[]> => {
      const answer = await admin.get(`/admin/sessions${query}`)
      assert.equal(answer.status, 200, answer.text)
      return answer.json.items
    }
    const all = await list('')
    assert.deepEqual(all.map(({ username }) => username).sort(), ['alice', 'alice', 'root', 'root'])
    assert.deepEqual(
      all.filter(({ current }) => current).map(({ username }) => username),
      ['root'],
    )
    assert.equal((await list('?username=ALICE')).length, 2)
    assert.equal((await list(`?subject=${id}`)).length, 2)
    assert.deepEqual(await list('?username=nobody'), [])
    await client.post('/auth/logout')
    assert.equal((await list('?username=alice')).length, 1)
    const ended = (await list('?username=alice&live=false')).filter(({ reason }) => reason !== undefined)
    assert.deepEqual(
      ended.map(({ reason }) => reason),
      ['logout'],
    )
    const seen: string[] = []
    let cursor = ''
    do {
      const { json } = await admin.get(`/admin/sessions?limit=1${cursor}`)
      seen.push(...json.items.map(({ id: found }: Item) => found))
      cursor = json.next === undefined ? '' : `&cursor=${encodeURIComponent(json.next)}`
    } while (cursor !== '')
    assert.deepEqual(seen.sort(), (await list('')).map(({ id: found }) => found).sort())
  })

  it('refuse a query that is not theirs, naming the field', async () => {
    await using server = await testServer()
    const admin = await server.administrator()
    for (const [query, field] of [
      ['limit=0', 'limit'],
      ['limit=201', 'limit'],
      ['limit=1e1', 'limit'],
      ['limit=1&limit=2', 'limit'],
      ['live=yes', 'live'],
      ['extra=1', 'extra'],
      ['__proto__=1', '__proto__'],
      ['subject=a&username=b', 'username'],
      ['cursor=%00nonsense', 'cursor'],
    ]) {
      const answer = await admin.get(`/admin/sessions?${query}`)
      assertProblem(answer, 400, 'invalid-request')
      assert.deepEqual(fieldsOf(answer), [field], query)
    }
  })

  it('end one at a time; an unknown one is not found', async () => {
    await using server = await testServer()
    const { client } = await server.user('alice')
    const admin = server.client()
    await admin.signIn('root', goodPassword)
    const { json } = await client.get('/auth/session')
    assert.equal((await admin.delete(`/admin/sessions/${json.session.id}`)).status, 204)
    assertProblem(await client.get('/auth/session'), 401, 'session-revoked')
    assert.equal((await admin.delete(`/admin/sessions/${json.session.id}`)).status, 204)
    for (const id of ['A'.repeat(24), 'nonsense', encodeURIComponent('../users'), '%00']) {
      assertProblem(await admin.delete(`/admin/sessions/${id}`), 404, 'not-found')
    }
  })

  it('end for everyone, the administrator too', async () => {
    await using server = await testServer()
    const { client } = await server.user('alice')
    const admin = server.client()
    await admin.signIn('root', goodPassword)
    assert.deepEqual((await admin.post('/admin/everyone-out')).json, { durable: true })
    assertProblem(await client.get('/auth/session'), 401, 'session-revoked')
    assertProblem(await admin.get('/auth/session'), 401, 'session-revoked')
    await client.signIn('alice', goodPassword)
    assert.equal((await client.get('/auth/session')).status, 200)
  })
})
