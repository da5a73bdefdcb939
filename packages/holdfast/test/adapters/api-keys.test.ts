/** `requireApiKey` on each adapter: who passes, what each failure is answered, and that no cookie helps or hinders. */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as expressAdapter from '../../src/adapters/express.ts'
import * as fastifyAdapter from '../../src/adapters/fastify.ts'
import * as honoAdapter from '../../src/adapters/hono.ts'
import * as nodeAdapter from '../../src/adapters/node.ts'
import * as webAdapter from '../../src/adapters/web.ts'
import { type ApiKeys, createApiKeys } from '../../src/defence/api-keys.ts'
import { createHoldfast } from '../../src/holdfast.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { faultyStore } from '../../src/testing/index.ts'
import { secret } from '../engine/support/start.ts'
import { type Asked, send } from '../http/harness.ts'

const requirement = { scopes: ['write'] }
const held = faultyStore(memoryStore())
const holdfast = createHoldfast({ secret, store: held, failedTokensPerMinute: 1000 })
const apiKeys = createApiKeys({ store: held.apiKeys, secret })
const ownerOf = (request: { readonly apiKey: { readonly owner: string } | null }) => ({ owner: request.apiKey?.owner })
type Handle = (
  method: string,
  authorization: string | undefined,
  cookie: string | undefined,
) => Promise<{ status: number; headers: Headers; text: string }>

async function overSocket(listener: RequestListener): Promise<Handle> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return async (method, authorization, cookie) => {
    const asked: Asked = { method, path: '/things', headers: { authorization, cookie } }
    const { status, headers, text } = await send(url, asked)
    return { status, headers: new Headers(headers as Record<string, string>), text }
  }
}

function overFetch(answer: (request: Request) => Promise<Response>): Handle {
  return async (method, authorization, cookie) => {
    const headers = new Headers({ host: '127.0.0.1' })
    if (authorization !== undefined) headers.set('authorization', authorization)
    if (cookie !== undefined) headers.set('cookie', cookie)
    const response = await answer(new Request('http://127.0.0.1/things', { method, headers }))
    return { status: response.status, headers: response.headers, text: await response.text() }
  }
}

const closing: (() => unknown)[] = []
const apps: Readonly<Record<string, (keys: ApiKeys) => Handle | Promise<Handle>>> = {
  node(keys) {
    const protect = nodeAdapter.holdfastNode(holdfast)
    const guard = nodeAdapter.requireApiKey(keys, requirement)
    return overSocket((request, response) =>
      protect(request, response, () =>
        guard(request, response, () => response.end(JSON.stringify(ownerOf((request as nodeAdapter.HeldRequest).holdfast)))),
      ),
    )
  },
  express(keys) {
    const app = express()
    app.use(expressAdapter.holdfastExpress(holdfast))
    app.all('/things', expressAdapter.requireApiKey(keys, requirement), (request, response) => {
      response.json(ownerOf(request.holdfast))
    })
    return overSocket(app)
  },
  async fastify(keys) {
    const app = fastify()
    await app.register(fastifyAdapter.holdfastFastify(holdfast))
    const preHandler = fastifyAdapter.requireApiKey(keys, requirement)
    app.all('/things', { preHandler }, async (request) => ownerOf(request.holdfast))
    await app.ready()
    closing.push(() => app.close())
    return overSocket((request, response) => app.routing(request, response))
  },
  hono(keys) {
    const app = new Hono()
    app.use(honoAdapter.holdfastHono(holdfast, { peer: () => '127.0.0.1' }))
    app.use('/things', honoAdapter.requireApiKey(keys, requirement))
    app.all('/things', (c) => c.json(ownerOf(c.get('holdfast'))))
    return overFetch(async (request) => app.fetch(request))
  },
  web(keys) {
    const guard = webAdapter.requireApiKey(keys, requirement)
    const handler = webAdapter.holdfastWeb(holdfast)(
      async (_request, request) => (await guard(request)) ?? Response.json(ownerOf(request)),
    )
    return overFetch(async (request) => handler(request, { ip: '127.0.0.1' }))
  },
}

afterAll(async () => {
  for (const close of closing) await close()
  await holdfast.close()
})

describe.each(Object.entries(apps))('requireApiKey on %s', (name, open) => {
  let ask: Handle
  const make = (changes: object = {}) => apiKeys.create({ owner: name, name: 'test', scopes: ['write', 'read'], ...changes })

  beforeAll(async () => {
    ask = await open(apiKeys)
  })

  it('lets a key with the scopes pass, on unsafe methods too, without a CSRF token and whatever the cookies', async () => {
    const { token } = await make()
    const session = await holdfast.issue({ subject: 'mallory', context: {} })
    for (const method of ['GET', 'POST', 'DELETE']) {
      for (const cookie of [undefined, `session=${session.token}`, 'session=nonsense']) {
        const { status, text } = await ask(method, `Bearer ${token}`, cookie)
        expect([status, text]).toEqual([200, JSON.stringify({ owner: name })])
      }
    }
  })

  it('answers every bad key alike', async () => {
    const { key, token } = await make()
    await apiKeys.revoke(key.id)
    const last = token.endsWith('A') ? 'B' : 'A'
    const answers = await Promise.all(
      [token, `${token.slice(0, -1)}${last}`, 'nonsense', ''].map((text) => ask('POST', `Bearer ${text}`, undefined)),
    )
    for (const { status, headers, text } of answers) {
      expect([status, headers.get('cache-control'), JSON.parse(text).code]).toEqual([401, 'no-store', 'api-key-required'])
      expect(text).toBe(answers[0]?.text)
    }
    expect((await ask('GET', undefined, undefined)).headers.get('www-authenticate')).toBe('Bearer')
    expect((await ask('GET', `Basic ${token}`, undefined)).status).toBe(401)
    for (const twice of [`Bearer ${token}, Bearer ${token}`, `Basic YTpi, Bearer ${token}`]) {
      const { status, headers } = await ask('GET', twice, undefined)
      expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer error="invalid_token"'])
    }
  })

  it('forbids a key of another network or without the scope', async () => {
    const far = await make({ networks: ['198.51.100.0/24'] })
    const near = await make({ networks: ['127.0.0.0/8'] })
    const weak = await make({ scopes: ['read'] })
    expect((await ask('GET', `Bearer ${far.token}`, undefined)).status).toBe(403)
    expect((await ask('GET', `Bearer ${near.token}`, undefined)).status).toBe(200)
    expect((await ask('GET', `Bearer ${weak.token}`, undefined)).status).toBe(403)
  })

  it('cannot tell while the store does not answer', async () => {
    const { token } = await make()
    held.plan({ mode: 'fail-before', on: 'apiKeys.get' })
    const { status, headers } = await ask('POST', `Bearer ${token}`, undefined)
    expect([status, headers.get('retry-after')]).toEqual([503, '1'])
    expect((await ask('POST', `Bearer ${token}`, undefined)).status).toBe(200)
  })

  it('is refused when it is misspelt', () => {
    expect(() => nodeAdapter.requireApiKey(apiKeys, { scope: ['write'] } as object)).toThrow('scope')
    expect(() => nodeAdapter.requireApiKey(apiKeys, { scopes: [''] })).toThrow('scopes')
  })
})
