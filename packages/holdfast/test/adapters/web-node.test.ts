/** Fetch handlers on Hono's Node server, which hands Node's own request and response on. */
import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type HttpBindings, serve } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono } from 'hono'
import { afterEach, describe, expect, test } from 'vitest'
import * as honoAdapter from '../../src/adapters/hono.ts'
import { holdfastWeb, requireSession, startStream, type WebHandler } from '../../src/adapters/web.ts'
import { createWorld, type World } from '../http/app.ts'
import { send } from '../http/harness.ts'

const world: World = createWorld()
const local = { ip: '127.0.0.1' }
const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function listen(fetch: Parameters<typeof serve>[0]['fetch']): Promise<string> {
  const server = await new Promise<Server>((resolve) => {
    const started = serve({ fetch, hostname: '127.0.0.1', port: 0 }, () => resolve(started as Server))
  })
  closing.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function signedIn(): Promise<{ cookie: string }> {
  const { token } = await world.holdfast.issue({ subject: 'alice', context: local })
  return { cookie: `session=${token}` }
}

const serveWeb = holdfastWeb(world.holdfast)
const guard = requireSession()
const guarded =
  (answer: () => Response): WebHandler =>
  (_request, held) =>
    guard(held) ?? answer()

describe('a fetch handler', () => {
  test('answers at once when the session is remembered and the handler answers at once', async () => {
    const request = new Request('http://localhost/me', { headers: await signedIn() })
    const me = serveWeb((_request, held) => guard(held) ?? Response.json({ subject: held.subject }))
    await me(request, local)
    const answered = me(request, local)
    expect(answered).toBeInstanceOf(Response)
    expect(await (answered as Response).json()).toEqual({ subject: 'alice' })
    expect(serveWeb(async () => new Response())(request, local)).toBeInstanceOf(Promise)
  })

  test('may answer by a promise of any make', async () => {
    // biome-ignore lint/suspicious/noThenProperty: as a sandboxed runtime has them, of another realm
    const foreign = { then: (resolve: (response: Response) => void) => resolve(new Response('x')) }
    const handler = serveWeb((_request, held) => guard(held) ?? (foreign as Promise<Response>))
    const answered = await handler(new Request('http://localhost/', { headers: await signedIn() }), local)
    expect([await answered.text(), answered.headers.get('cache-control')]).toEqual(['x', 'no-store'])
  })

  test('may throw at once: a refusal is answered, what is not ours stays the handler’s', async () => {
    const request = () => new Request('http://localhost/')
    const refusing = serveWeb((_request, held) => {
      held.attach(() => {})
      return new Response()
    })
    expect((await refusing(request(), local)).status).toBe(401)
    const failing = serveWeb(() => {
      throw new Error('of the app')
    })
    expect(() => failing(request(), local)).toThrow('of the app')
  })
})

describe('a fetch handler on Node’s own request and response', () => {
  test('a guarded answer is marked for this client alone, and a response sent to many stays as it is', async () => {
    const shared = new Response(null, { status: 204, headers: { 'x-app': '1' } })
    const url = await listen(serveWeb(guarded(() => shared)))
    for (const _ of [1, 2]) {
      const { status, headers } = await send(url, { path: '/', headers: await signedIn() })
      expect([status, headers['cache-control'], headers['x-app']]).toEqual([204, 'no-store', '1'])
    }
    expect([...shared.headers]).toEqual([['x-app', '1']])
  })

  test.each([
    ['HEAD', 200, () => new Response('x')],
    ['GET', 304, () => new Response(null, { status: 304 })],
    ['GET', 302, () => Response.redirect('http://localhost/home', 302)],
  ])('%s %i is marked so too, without a body', async (method, status, answer) => {
    const url = await listen(serveWeb(guarded(answer)))
    const answered = await send(url, { method, path: '/', headers: await signedIn() })
    expect([answered.status, answered.headers['cache-control'], answered.text]).toEqual([status, 'no-store', ''])
  })

  test('its own `Cache-Control` stays, in whatever case', async () => {
    const url = await listen(serveWeb(guarded(() => new Response('x', { headers: { 'CACHE-Control': 'private' } }))))
    expect((await send(url, { path: '/', headers: await signedIn() })).headers['cache-control']).toBe('private')
  })

  test('an address told beside the pair goes before that of the socket', async () => {
    const handler = serveWeb((_request, held) => Response.json({ ip: held.ip }))
    const url = await listen((request, pair) => handler(request, { ...pair, ip: '203.0.113.9' }))
    expect((await send(url, { path: '/' })).json()).toEqual({ ip: '203.0.113.9' })
    expect((await send(await listen(handler), { path: '/' })).json()).toEqual({ ip: '127.0.0.1' })
  })

  test('an upgrade has no response of Node’s: then the address must be told', async () => {
    const incoming = { socket: { remoteAddress: '127.0.0.1' } } as HttpBindings['incoming']
    const held = await world.holdfast.handle(new Request('http://localhost/', { headers: await signedIn() }), { incoming })
    expect(held.response?.status).toBe(403)
  })

  test('a stream ends with its session', async () => {
    const { session, token } = await world.holdfast.issue({ subject: 'zoe', context: local })
    let opened = (): void => {}
    const open = new Promise<void>((resolve) => {
      opened = resolve
    })
    const url = await listen(
      serveWeb(async (_request, held) => {
        const { response } = await startStream(held)
        opened()
        return response
      }),
    )
    const reading = send(url, { path: '/', headers: { cookie: `session=${token}` } })
    await open
    await world.holdfast.revoke({ session: session.id })
    const { headers, text } = await reading
    expect(headers['content-type']).toMatch(/^text\/event-stream/)
    expect(text).toContain('event: session_ended')
  })
})

describe('an app on Hono that answers by Node’s own response', () => {
  const forms: readonly [string, (outgoing: ServerResponse) => unknown, expected: readonly [string, string | undefined]][] = [
    ['a reason and headers', (outgoing) => outgoing.writeHead(200, 'Fine', { 'x-app': '1' }), ['no-store', '1']],
    ['a reason alone', (outgoing) => outgoing.writeHead(200, 'Fine'), ['no-store', undefined]],
    ['a list of headers', (outgoing) => outgoing.writeHead(200, ['x-app', '1']), ['no-store', '1']],
    ['a list with its own', (outgoing) => outgoing.writeHead(200, ['Cache-Control', 'public']), ['public', undefined]],
    ['its own set before', (outgoing) => outgoing.setHeader('Cache-Control', 'public'), ['public', undefined]],
    ['nothing', () => {}, ['no-store', undefined]],
  ]

  test.each(forms)('%s: the default is added, and gives way', async (_form, head, expected) => {
    const app = new Hono<{ Bindings: HttpBindings }>()
    app.use(honoAdapter.holdfastHono(world.holdfast))
    app.get('/', honoAdapter.requireSession(), (c) => {
      const { outgoing } = c.env
      head(outgoing)
      outgoing.end('x')
      return RESPONSE_ALREADY_SENT
    })
    const { headers, text } = await send(await listen(app.fetch), { path: '/', headers: await signedIn() })
    expect([[headers['cache-control'], headers['x-app']], text]).toEqual([expected, 'x'])
  })
})
