import assert from 'node:assert/strict'
import { problems } from 'holdfast'
import { describe, it } from 'vitest'
import { routes } from '../src/routes/index.ts'
import { testServer } from './harness.ts'

interface Operation {
  readonly responses: Readonly<Record<string, { readonly description: string }>>
  readonly requestBody?: {
    readonly content: {
      readonly 'application/json': { readonly schema: { readonly properties?: object; readonly additionalProperties?: boolean } }
    }
  }
  readonly parameters?: readonly { readonly name: string; readonly in: string }[]
  readonly security?: readonly object[]
}
type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>

async function paths(): Promise<Paths> {
  await using server = await testServer()
  const { json, status } = await server.client().get('/openapi.json')
  assert.equal(status, 200)
  assert.equal(json.openapi, '3.1.0')
  return json.paths
}

describe('the OpenAPI document', () => {
  it('describes every route and no other', async () => {
    const described = Object.entries(await paths()).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
    )
    const own = routes.map(({ method, path }) => `${method} ${path}`).filter((name) => name !== 'GET /openapi.json')
    assert.deepEqual(described.sort(), own.sort())
  })

  it('names body fields, parameters, security, and the problems that can come', async () => {
    const all = await paths()
    const login = all['/auth/login']?.post
    const schema = login?.requestBody?.content['application/json'].schema
    assert.deepEqual(Object.keys(schema?.properties ?? {}).sort(), ['password', 'remember', 'username'])
    assert.equal(schema?.additionalProperties, false)
    assert.match(login?.responses['401']?.description ?? '', /invalid-credentials/)
    assert.deepEqual(login?.security, [])
    const list = all['/admin/sessions']?.get
    assert.deepEqual(list?.parameters?.map(({ name }) => name).sort(), ['cursor', 'limit', 'live', 'subject', 'username'])
    assert.deepEqual(list?.security, [{ session: [] }, { bearer: [] }])
    assert.match(all['/admin/users/{id}']?.patch?.responses['401']?.description ?? '', /step-up-required/)
  })

  it('knows only problem codes that exist', () => {
    for (const { problems: codes = [] } of routes) for (const code of codes) assert.ok(Object.hasOwn(problems, code), code)
  })
})
