/** One streaming app on each adapter, and a client that reads events as they come. */
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { serve } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import * as expressAdapter from '../../src/adapters/express.ts'
import * as fastifyAdapter from '../../src/adapters/fastify.ts'
import * as honoAdapter from '../../src/adapters/hono.ts'
import * as nodeAdapter from '../../src/adapters/node.ts'
import * as webAdapter from '../../src/adapters/web.ts'
import type { EventStream, Holdfast } from '../../src/index.ts'

export interface StreamApp {
  readonly holdfast: Holdfast
  /** Every stream that was opened, in order. */
  readonly streams: EventStream[]
}

export interface Running {
  readonly url: string
  close(): Promise<void>
}

const cookie = { carrier: 'cookie' } as const

function running(server: ReturnType<typeof createServer>): Running {
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function listening(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<Running> {
  const server = createServer(handler)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return running(server)
}

/** `/stream` needs a session, `/visit` makes one, `/visit-cookie` in a cookie. */
export const apps: Readonly<Record<string, (app: StreamApp) => Promise<Running>>> = {
  node({ holdfast, streams }) {
    const protect = nodeAdapter.holdfastNode(holdfast)
    const open = (request: IncomingMessage, response: ServerResponse) => {
      const path = request.url ?? ''
      if (path === '/stream') return nodeAdapter.startStream(request, response)
      return nodeAdapter.anonymousStream(request, response, path === '/visit-cookie' ? cookie : {})
    }
    return listening((request, response) =>
      protect(request, response, () => {
        open(request, response).then(
          (stream) => streams.push(stream),
          (error: unknown) => nodeAdapter.sendProblem(error, response) || response.writeHead(500).end(),
        )
      }),
    )
  },
  express({ holdfast, streams }) {
    const app = express()
    app.use(expressAdapter.holdfastExpress(holdfast))
    app.all('/stream', async (request, response) => {
      streams.push(await expressAdapter.startStream(request, response))
    })
    app.all('/visit', async (request, response) => {
      streams.push(await expressAdapter.anonymousStream(request, response))
    })
    app.all('/visit-cookie', async (request, response) => {
      streams.push(await expressAdapter.anonymousStream(request, response, cookie))
    })
    app.use(expressAdapter.holdfastErrors())
    return listening(app)
  },
  async fastify({ holdfast, streams }) {
    const app = fastify({ forceCloseConnections: true })
    await app.register(fastifyAdapter.holdfastFastify(holdfast))
    app.get('/stream', async (request, reply) => {
      streams.push(await fastifyAdapter.startStream(request, reply))
    })
    app.get('/visit', async (request, reply) => {
      streams.push(await fastifyAdapter.anonymousStream(request, reply))
    })
    app.get('/visit-cookie', async (request, reply) => {
      streams.push(await fastifyAdapter.anonymousStream(request, reply, cookie))
    })
    await app.listen({ host: '127.0.0.1', port: 0 })
    return { url: running(app.server).url, close: () => app.close() }
  },
  async hono({ holdfast, streams }) {
    const app = honoApp({ holdfast, streams }, () => undefined)
    const server = await new Promise<ReturnType<typeof createServer>>((resolve) => {
      const started = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, () => resolve(started as never))
    })
    return running(server)
  },
  'hono over fetch'(app) {
    let peer: string | undefined
    const hono = honoApp(app, () => peer)
    return bridge((request, ip) => {
      peer = ip
      return hono.fetch(request)
    })
  },
  web({ holdfast, streams }) {
    const handler = webAdapter.holdfastWeb(holdfast)(async (request, held) => {
      const { pathname } = new URL(request.url)
      const stream =
        pathname === '/stream'
          ? await webAdapter.startStream(held)
          : await webAdapter.anonymousStream(held, pathname === '/visit-cookie' ? cookie : {})
      streams.push(stream)
      return stream.response
    })
    return bridge((request, ip) => handler(request, { ip }))
  },
}

function honoApp({ holdfast, streams }: StreamApp, peer: () => string | undefined): Hono {
  const app = new Hono()
  app.use(honoAdapter.holdfastHono(holdfast, { peer }))
  const keep = (stream: honoAdapter.WebEventStream): Response => {
    streams.push(stream)
    return stream.response
  }
  app.get('/stream', async (c) => keep(await honoAdapter.startStream(c)))
  app.get('/visit', async (c) => keep(await honoAdapter.anonymousStream(c)))
  app.get('/visit-cookie', async (c) => keep(await honoAdapter.anonymousStream(c, cookie)))
  return app
}

/** Node's server in front of a fetch handler, passing the body on as it comes. */
function bridge(handler: (request: Request, ip: string | undefined) => Response | Promise<Response>): Promise<Running> {
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const headers = new Headers(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]))
    const response = await handler(
      new Request(`http://${incoming.headers.host}${incoming.url}`, { headers, method: incoming.method ?? 'GET' }),
      incoming.socket.remoteAddress,
    )
    outgoing.writeHead(response.status, [...response.headers].flat())
    outgoing.flushHeaders()
    if (response.body === null) {
      outgoing.end()
      return
    }
    const body = Readable.fromWeb(response.body as never)
    outgoing.on('close', () => body.destroy())
    body.on('error', () => outgoing.destroy())
    body.pipe(outgoing)
  }
  return listening((incoming, outgoing) => {
    answer(incoming, outgoing).catch(() => outgoing.destroy())
  })
}

export interface Reader {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly response: IncomingMessage
  /** Everything read so far. */
  text(): string
  /** Resolves when the text holds this. */
  until(part: string): Promise<void>
  /** Resolves when the stream is over, in whatever way. */
  readonly over: Promise<void>
  close(): void
}

export function read(url: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Promise<Reader> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { headers, method, agent: false }, (response) => {
      let text = ''
      const waiting = new Set<() => void>()
      response.on('data', (chunk: Uint8Array) => {
        text += String(chunk)
        for (const look of waiting) look()
      })
      const over = new Promise<void>((done) => {
        response.on('error', () => done())
        response.on('close', done)
      })
      const until = (part: string) =>
        new Promise<void>((found, missed) => {
          const look = () => {
            if (!text.includes(part)) return
            waiting.delete(look)
            found()
          }
          waiting.add(look)
          look()
          void over.then(() => missed(new Error(`the stream ended without ${part}: ${text}`)))
        })
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        response,
        text: () => text,
        until,
        over,
        close: () => request.destroy(),
      })
    })
    request.on('error', reject)
    request.end()
  })
}
