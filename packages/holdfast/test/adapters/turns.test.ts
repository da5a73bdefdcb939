/** Requests that arrive together are read together, and handed on after that: in which order, and with nothing lost on the way. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { serve } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { afterEach, describe, expect, test, vi } from 'vitest'
import * as expressAdapter from '../../src/adapters/express.ts'
import * as fastifyAdapter from '../../src/adapters/fastify.ts'
import * as honoAdapter from '../../src/adapters/hono.ts'
import * as nodeAdapter from '../../src/adapters/node.ts'
import { mostWaiting } from '../../src/store/turn.ts'
import { createWorld } from '../http/app.ts'
import { send } from '../http/harness.ts'

const { holdfast } = createWorld()

/** What the app does before Holdfast, and after it; what that returns is the answer. */
interface App {
  before(request: IncomingMessage, go: () => void): void
  after(request: IncomingMessage, ip: string | undefined): string
}

type Serve = (app: App) => Promise<Server>

function listening(listener: RequestListener): Promise<Server> {
  const server = createServer(listener)
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}

const onNode: Serve = ({ before, after }) => {
  const protect = nodeAdapter.holdfastNode(holdfast)
  return listening((request, response) =>
    before(request, () =>
      protect(request, response, (fault) => {
        if (fault !== undefined) response.writeHead(500).end()
        else response.end(after(request, (request as nodeAdapter.HeldRequest).holdfast.ip))
      }),
    ),
  )
}

const onExpress: Serve = ({ before, after }) => {
  const app = express()
  app.use((request, _response, next) => before(request, next))
  app.use(expressAdapter.holdfastExpress(holdfast))
  app.use((request, response) => void response.end(after(request, request.holdfast.ip)))
  app.use((_fault: unknown, _request: express.Request, response: express.Response, _next: express.NextFunction) => {
    response.writeHead(500).end()
  })
  return listening(app)
}

const onFastify: Serve = async ({ before, after }) => {
  const app = fastify()
  app.addHook('onRequest', (request, _reply, done) => before(request.raw, done))
  await app.register(fastifyAdapter.holdfastFastify(holdfast))
  app.get('/', (request, reply) => reply.send(after(request.raw, request.holdfast.ip)))
  await app.listen({ host: '127.0.0.1', port: 0 })
  return app.server
}

const onHono: Serve = ({ before, after }) => {
  const app = new Hono<{ Bindings: { incoming: IncomingMessage } }>()
  app.use(
    (c, next) =>
      new Promise<void>((resolve, reject) => {
        before(c.env.incoming, () => void next().then(resolve, reject))
      }),
  )
  app.use(honoAdapter.holdfastHono(holdfast))
  app.get('/', (c) => c.text(after(c.env.incoming, c.get('holdfast').ip)))
  app.onError((_fault, c) => c.text('', 500))
  return new Promise((resolve) => {
    const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, () => resolve(server as Server))
  })
}

const closing: Server[] = []
afterEach(() => {
  vi.useRealTimers()
  for (const server of closing.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function start(serveApp: Serve, app: Partial<App>): Promise<string> {
  const server = await serveApp({ before: (_request, go) => go(), after: () => 'answered', ...app })
  closing.push(server)
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const { token } = await holdfast.issue({ subject: 'alice' })
const stranger = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'
const request = stranger.replace('\r\n\r\n', `\r\nCookie: session=${token}\r\n\r\n`)

/** Sends text in one piece, and waits until the server ended the connection or `enough` came back. */
function exchange(url: string, text: string, enough: (answer: string) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text))
    socket.on('error', reject)
    socket.on('data', (bytes) => {
      answer += String(bytes)
      if (enough(answer)) socket.destroy()
    })
    socket.on('close', () => resolve())
  })
}

describe.each(Object.entries({ onNode, onExpress, onFastify, onHono }))('%s', (_name, serveApp) => {
  test('hands on what arrived together when all of it is read', async () => {
    const seen: string[] = []
    const url = await start(serveApp, {
      before: (_request, go) => {
        seen.push('read')
        go()
      },
      after: () => {
        seen.push('handed on')
        return 'answered'
      },
    })
    await exchange(url, request + request, (answer) => answer.split('answered').length === 3)
    expect(seen).toEqual(['read', 'read', 'handed on', 'handed on'])
  })

  test('lets nobody wait who presents nothing to check', async () => {
    const seen: string[] = []
    const url = await start(serveApp, {
      after: (incoming) => {
        seen.push(incoming.headers.cookie === undefined ? 'stranger' : 'client')
        return 'answered'
      },
    })
    await exchange(url, request + stranger, (answer) => answer.split('answered').length === 3)
    expect(seen).toEqual(['stranger', 'client'])
  })

  test('lets no flood wait: one request more than may wait is handed on as it is read', async () => {
    const arrived: IncomingMessage[] = []
    const handedOn: number[] = []
    const url = await start(serveApp, {
      before: (incoming, go) => {
        arrived.push(incoming)
        go()
      },
      after: (incoming) => {
        handedOn.push(arrived.indexOf(incoming))
        return 'answered'
      },
    })
    const flood = mostWaiting + 1
    await exchange(url, request.repeat(flood), (answer) => answer.split('answered').length > flood)
    expect([handedOn.length, ...handedOn.slice(0, 2)]).toEqual([flood, mostWaiting, 0])
  })

  test('keeps the asynchronous context of each', async () => {
    const context = new AsyncLocalStorage<number>()
    let requests = 0
    const seen: (number | undefined)[] = []
    const url = await start(serveApp, {
      before: (_request, go) => {
        requests += 1
        context.run(requests, go)
      },
      after: () => {
        seen.push(context.getStore())
        return 'answered'
      },
    })
    await exchange(url, request + request, (answer) => answer.split('answered').length === 3)
    expect(seen).toEqual([1, 2])
  })

  test('knows the address of a client that has gone meanwhile', async () => {
    const seen: (string | undefined)[] = []
    const url = await start(serveApp, {
      before: (incoming, go) => {
        go()
        incoming.socket.destroy()
      },
      after: (_request, ip) => {
        seen.push(ip)
        return 'answered'
      },
    })
    await exchange(url, request, () => false)
    expect(seen).toEqual(['127.0.0.1'])
  })

  test('answers an app that has its timers faked', async () => {
    const url = await start(serveApp, {})
    vi.useFakeTimers({ toFake: ['setImmediate'] })
    expect((await send(url, { path: '/', headers: { cookie: `session=${token}` } })).text).toBe('answered')
  })

  test('a fault on the way is the app’s to answer, and ends nothing', async () => {
    let faults = 1
    const url = await start(serveApp, {
      before: (incoming, go) => {
        go()
        // What the middleware asks for at the end of the turn.
        const target = () => {
          faults -= 1
          return faults < 0 ? '/' : expect.fail('a fault')
        }
        Object.defineProperty(incoming, 'originalUrl', { get: target })
      },
    })
    const headers = { cookie: `session=${token}` }
    expect((await send(url, { path: '/', headers })).status).toBe(500)
    expect((await send(url, { path: '/', headers })).status).toBe(200)
  })
})
