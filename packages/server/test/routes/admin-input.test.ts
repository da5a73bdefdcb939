/** What administrators can send wrong, to every one of their routes: the inventory is walked, so that a new one cannot be forgotten. */
import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { routes } from '../../src/routes/index.ts'
import { assertProblem, type Client, fieldsOf } from '../client.ts'
import { type TestServer, testServer } from '../harness.ts'

let server: TestServer
let root: Client
beforeAll(async () => {
  server = await testServer()
  root = await server.administrator()
})
afterAll(() => server[Symbol.asyncDispose]())

const administrative = routes.filter(({ path }) => path.startsWith('/admin'))
const lists = administrative.filter(({ method, path }) => method === 'GET' && !path.includes(':')).map(({ path }) => path)
const named = administrative.filter(({ path }) => path.includes(':id'))

describe('a list', () => {
  const queries = [
    ['limit=0', 'limit'],
    ['limit=201', 'limit'],
    ['limit=-1', 'limit'],
    ['limit=1e1', 'limit'],
    ['limit=%EF%BC%95', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['cursor=', 'cursor'],
    ['cursor=%00', 'cursor'],
    ['cursor=%E2%80%AE', 'cursor'],
    ['cursor=1&cursor=2', 'cursor'],
    ['constructor=1', 'constructor'],
    ['__proto__=1', '__proto__'],
  ] as const

  it.each(lists)('%s refuses a query that is not its own, naming the field', async (path) => {
    for (const [query, field] of queries) {
      const answer = await root.get(`${path}?${query}`)
      assertProblem(answer, 400, 'invalid-request')
      assert.deepEqual(fieldsOf(answer), [field], query)
    }
  })
})

describe('an id that nothing has', () => {
  const ids = ['A'.repeat(24), 'A'.repeat(256), '__proto__', 'constructor', '%00', '%E2%80%AE', '..%2f..', "'--", '*']

  it.each(named.map((route) => [`${route.method} ${route.path}`, route] as const))('is not found: %s', async (_name, route) => {
    for (const id of ids) {
      const input = route.method === 'GET' ? {} : { body: route.method === 'PATCH' ? { disabled: true } : {} }
      assertProblem(await root.call(route.method, route.path.replace(':id', id), input), 404, 'not-found')
    }
  })
})

describe('the address itself', () => {
  it('says what is here, with places that are there, to anyone', async () => {
    const { json, status } = await server.client().get('/')
    assert.deepEqual([status, json.name], [200, 'Holdfast'])
    const known = [...routes.map(({ path }) => path), '/auth/session']
    for (const place of Object.values(json.places))
      assert.ok(
        known.some((path) => path === place),
        String(place),
      )
  })
})

describe('a body', () => {
  it('that is no object is told so in words of ours', async () => {
    for (const body of [undefined, 'null', '[]', '0', '""']) {
      const answer = await root.call('PATCH', `/admin/users/${'A'.repeat(22)}`, { body })
      assertProblem(answer, 400, 'invalid-request')
      assert.deepEqual(answer.json.errors, [{ field: 'body', message: 'must be a JSON object' }])
    }
  })
})
