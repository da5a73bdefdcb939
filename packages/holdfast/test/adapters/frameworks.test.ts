/** What belongs to one framework only. */
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import { connect, createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import express from 'express'
import fastify, { type FastifyInstance } from 'fastify'
import { Hono } from 'hono'
import { afterEach, describe, expect, test } from 'vitest'
import * as expressAdapter from '../../src/adapters/express.ts'
import * as fastifyAdapter from '../../src/adapters/fastify.ts'
import * as honoAdapter from '../../src/adapters/hono.ts'
import * as nodeAdapter from '../../src/adapters/node.ts'
import * as webAdapter from '../../src/adapters/web.ts'
import { createWorld, type World } from '../http/app.ts'
import { Browser, send } from '../http/harness.ts'

const world: World = createWorld({ anonymousPerMinute: 1000 })
const closing: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
  world.failStore(false)
})

async function listen(handler: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer(handler)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe.each([
  ['Express', expressAdapter.holdfastExpress],
  ['Fastify', fastifyAdapter.holdfastFastify],
  ['Hono', honoAdapter.holdfastHono],
  ['Node', nodeAdapter.holdfastNode],
  ['fetch handlers', webAdapter.holdfastWeb],
])('the adapter for %s', (_name, adapter) => {
  test.each([undefined, { secret: 'x' }])('refuses at once what createHoldfast did not return: %j', (given) => {
    expect(() => adapter(given as never)).toThrow('an adapter takes what createHoldfast returned')
  })
})

describe('Express', () => {
  test('a body that the app parsed already is used', async () => {
    const app = express()
    app.use(express.json())
    app.use(expressAdapter.holdfastExpress(world.holdfast))
    const url = await listen(app)
    const answered = await send(url, { method: 'POST', path: '/auth/anonymous', json: { carrier: 'cookie' } })
    expect([answered.status, answered.setCookies.length]).toEqual([201, 2])
    expect((await send(url, { method: 'POST', path: '/auth/anonymous', json: { carrier: 'x' } })).status).toBe(400)
  })

  test('mounted under a path it still knows its own routes by the whole path', async () => {
    const app = express()
    app.use('/auth', expressAdapter.holdfastExpress(world.holdfast))
    const url = await listen(app)
    expect((await send(url, { path: '/auth/session' })).status).toBe(401)
  })

  test('errors of the app stay the app’s', async () => {
    const app = express()
    app.use(expressAdapter.holdfastExpress(world.holdfast))
    app.get('/fails', () => {
      throw new Error('of the app')
    })
    app.use(expressAdapter.holdfastErrors())
    app.use((_error: unknown, _request: express.Request, response: express.Response, _next: express.NextFunction) => {
      response.status(418).end()
    })
    expect((await send(await listen(app), { path: '/fails' })).status).toBe(418)
  })

  test('a guard without the middleware fails closed', async () => {
    const app = express()
    app.get('/me', expressAdapter.requireSession(), (_request, response) => {
      response.end('in')
    })
    app.use((_error: unknown, _request: express.Request, response: express.Response, _next: express.NextFunction) => {
      response.status(500).end('fault')
    })
    const answered = await send(await listen(app), { path: '/me' })
    expect([answered.status, answered.text]).toEqual([500, 'fault'])
  })
})

describe('Node', () => {
  test('the path of a guard is the path of the router: an encoded or doubled slash opens nothing', async () => {
    const protect = nodeAdapter.holdfastNode(world.holdfast)
    const guard = nodeAdapter.requireSession()
    const url = await listen((request, response) => {
      protect(request, response, () => guard(request, response, () => response.end('in')))
    })
    for (const path of ['/me', '//me', '/%6de', '/me/..;/me', '/./me', '/auth/../me', `${url}/me`, '/auth%2fsession', '*']) {
      expect((await send(url, { path })).status, path).toBe(401)
    }
  })

  test('HTTP/2 works alike: the authority is the host, and cookies are set', async () => {
    const protect = nodeAdapter.holdfastNode(world.holdfast)
    const server = createHttp2Server((incoming, outgoing) => {
      const [request, response] = [incoming as unknown as nodeAdapter.HeldRequest, outgoing as unknown as ServerResponse]
      protect(request, response, () => {
        if (request.url !== '/login') return response.end(request.holdfast.subject ?? 'nobody')
        return void request.holdfast.signIn({ subject: 'alice' }).then(() => response.end())
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    closing.push(() => {
      client.destroy()
      return new Promise((resolve) => server.close(resolve))
    })
    const ask = (headers: OutgoingHttpHeaders) =>
      new Promise<{ cookies: readonly string[]; text: string }>((resolve, reject) => {
        const stream = client.request(headers)
        let cookies: readonly string[] = []
        let text = ''
        stream.on('response', (answered) => {
          cookies = answered['set-cookie'] ?? []
        })
        stream.on('data', (chunk: Uint8Array) => {
          text += String(chunk)
        })
        stream.on('end', () => resolve({ cookies, text })).on('error', reject)
        stream.end()
      })
    const { cookies } = await ask({ ':path': '/login', ':method': 'POST' })
    expect(cookies.map((line) => line.split('=', 1)[0])).toEqual(['session', 'csrf_token'])
    const cookie = cookies.map((line) => line.split(';', 1)[0] ?? '')
    expect((await ask({ ':path': '/', cookie: cookie.join('; ') })).text).toBe('alice')
  })

  // A middleware before ours may take out what a client must not claim, or put in what a gateway found out.
  test('the headers that count are those that a middleware before left: changed, taken out or replaced as a whole', async () => {
    const protect = nodeAdapter.holdfastNode(world.holdfast)
    const { token } = await world.holdfast.issue({ subject: 'alice', context: { ip: '127.0.0.1' } })
    const edits: Readonly<Record<string, (request: IncomingMessage) => unknown>> = {
      '/deleted': ({ headers }) => delete headers.authorization,
      '/changed': ({ headers }) => Object.assign(headers, { authorization: 'Basic YTpi' }),
      '/replaced': (request) => Object.assign(request, { headers: { host: request.headers.host } }),
      '/added': ({ headers }) => Object.assign(headers, { authorization: `Bearer ${token}` }),
      '/forwarded': ({ headers }) => Object.assign(headers, { 'x-forwarded-for': '203.0.113.9' }),
    }
    const url = await listen((request, response) => {
      edits[request.url ?? '']?.(request)
      protect(request, response, () => response.end((request as nodeAdapter.HeldRequest).holdfast.subject ?? 'nobody'))
    })
    const ask = async (path: string, authorization?: string) => (await send(url, { path, headers: { authorization } })).text
    const bearer = `Bearer ${token}`
    expect(await Promise.all(['/kept', '/deleted', '/changed', '/replaced'].map((path) => ask(path, bearer)))).toEqual([
      'alice',
      'nobody',
      'nobody',
      'nobody',
    ])
    expect([await ask('/kept'), await ask('/added')]).toEqual(['nobody', 'alice'])
    // Plain http that came through somebody is no loopback any more.
    expect(await ask('/forwarded', bearer)).toContain('insecure-transport')
  })

  test('a problem is not sent over an answer under way', async () => {
    const url = await listen((_request, response) => {
      response.write('begun')
      response.end(String(nodeAdapter.sendProblem(new Error('x'), response)))
    })
    expect((await send(url, { path: '/' })).text).toBe('begunfalse')
  })
})

describe('Fastify', () => {
  async function app(): Promise<FastifyInstance> {
    const one = fastify()
    closing.push(() => one.close())
    await one.register(fastifyAdapter.holdfastFastify(world.holdfast))
    return one
  }

  test('hooks and decorator hold in the scope that registered the plugin and below, and without any route', async () => {
    const one = await app()
    await one.register((scope, _options, done) => {
      scope.get('/inner', (request) => ({ verdict: request.holdfast.verdict.status }))
      done()
    })
    expect((await one.inject('/inner')).json()).toEqual({ verdict: 'dead' })
    expect((await one.inject('/auth/session')).statusCode).toBe(401)
  })

  test('an error handler of the app gets what is not ours, one of the route everything', async () => {
    const one = await app()
    one.setErrorHandler((_error, _request, reply) => reply.code(418).send())
    one.get('/fails', () => {
      throw new Error('of the app')
    })
    one.post('/own', { errorHandler: (_error, _request, reply) => reply.code(419).send() }, async (request) =>
      request.holdfast.signIn({ subject: '' }),
    )
    one.post('/ours', async (request) => request.holdfast.elevate({ amr: [] }))
    expect((await one.inject('/fails')).statusCode).toBe(418)
    expect((await one.inject({ method: 'POST', url: '/own', headers: { host: 'localhost' } })).statusCode).toBe(419)
    expect((await one.inject({ method: 'POST', url: '/ours' })).json()).toMatchObject({ code: 'session-required' })
  })

  test('cookies of a sign-in stay beside what a reply sets in any form', async () => {
    const one = await app()
    one.post('/login', async (request, reply) => {
      reply.header('set-cookie', 'a=1')
      await request.holdfast.signIn({ subject: 'alice' })
      return reply.headers({ 'set-cookie': ['b=2', 'c=3'] }).send({})
    })
    const answered = await one.inject({ method: 'POST', url: '/login', headers: { host: 'localhost' } })
    const names = [answered.headers['set-cookie']].flat().map((line) => String(line).split('=', 1)[0])
    expect(names.sort()).toEqual(['a', 'b', 'c', 'csrf_token', 'session'])
  })

  test('a guard without the plugin fails closed', async () => {
    const one = fastify()
    one.get('/me', { preHandler: fastifyAdapter.requireSession() }, () => 'in')
    expect((await one.inject('/me')).statusCode).toBe(500)
    await one.close()
  })
})

describe('Hono', () => {
  const local = { peer: () => '127.0.0.1' }

  test('an error handler of the app sees the refusal first', async () => {
    const app = new Hono()
    app.use(honoAdapter.holdfastHono(world.holdfast, local))
    app.onError((error, c) => c.text(`${error.name} ${'getResponse' in error}`, 418))
    app.post('/login', async (c) => c.json(await c.get('holdfast').signIn({ subject: '' })))
    const answered = await app.request('http://localhost/login', { method: 'POST' })
    expect([answered.status, await answered.text()]).toEqual([418, 'HoldfastError true'])
  })

  test('errors from calls on holdfast itself are answered when the app asks for it', async () => {
    const app = new Hono()
    app.onError(honoAdapter.holdfastErrors())
    app.get('/issue', async (c) => c.json((await world.holdfast.issue({ subject: '' })).session))
    const answered = await app.request('http://localhost/issue')
    expect([answered.status, answered.headers.get('content-type')]).toEqual([400, 'application/problem+json; charset=utf-8'])
  })

  test('a guard without the middleware fails closed', async () => {
    const app = new Hono()
    app.onError((_error, c) => c.text('fault', 500))
    app.get('/me', honoAdapter.requireSession(), (c) => c.text('in'))
    expect((await app.request('http://localhost/me')).status).toBe(500)
  })

  test('a response made by hand keeps its own cookies and gets ours', async () => {
    const app = new Hono()
    app.use(honoAdapter.holdfastHono(world.holdfast, local))
    app.post('/login', async (c) => {
      c.header('set-cookie', 'prepared=1', { append: true })
      await c.get('holdfast').signIn({ subject: 'alice' })
      return c.json({}, 200, { 'set-cookie': 'given=2' })
    })
    const answered = await app.request('http://localhost/login', { method: 'POST' })
    const names = answered.headers.getSetCookie().map((line) => line.split('=', 1)[0])
    expect(names).toEqual(expect.arrayContaining(['session', 'csrf_token', 'given']))
  })
})

test('one browser keeps one session across parallel requests and adapters', async () => {
  const protect = nodeAdapter.holdfastNode(world.holdfast)
  const url = await listen((request, response) =>
    protect(request, response, () => {
      const { holdfast } = request as nodeAdapter.HeldRequest
      if (request.url === '/login') return void holdfast.signIn({ subject: 'zoe' }).then(() => response.end())
      return response.end(holdfast.subject ?? 'nobody')
    }),
  )
  const browser = new Browser(url)
  await browser.post('/login')
  const answers = await Promise.all(Array.from({ length: 64 }, () => browser.get('/')))
  expect(new Set(answers.map(({ text }) => text))).toEqual(new Set(['zoe']))
  expect(answers.every(({ setCookies }) => setCookies.length === 0)).toBe(true)
})
