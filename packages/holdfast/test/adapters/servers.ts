/** The same table of routes on each adapter, over real sockets. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
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
import type { AppRoute, Served, World } from '../http/app.ts'

async function listening(server: Server): Promise<Served> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return servedBy(server)
}

function servedBy(server: Server): Served {
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

type Body = Readonly<Record<string, unknown>>

async function bodyOf(source: AsyncIterable<unknown>): Promise<Body> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk as Uint8Array)
  const body = Buffer.concat(chunks).toString()
  try {
    return body === '' ? {} : (JSON.parse(body) as Body)
  } catch {
    return {}
  }
}

export async function serveNode(world: World): Promise<Served> {
  const protect = nodeAdapter.holdfastNode(world.holdfast)
  const guards = new Map(world.routes.map((route) => [route, nodeAdapter.requireSession(route.requires)]))

  const answer = async (route: AppRoute, request: IncomingMessage, response: ServerResponse) => {
    try {
      const reply = await route.run((request as nodeAdapter.HeldRequest).holdfast, await bodyOf(request))
      // As careless as apps are: set at once with the head, in place of whatever was there.
      const cookies = reply.cookies === undefined ? {} : { 'Set-Cookie': [...reply.cookies] }
      const cache = reply.cache === undefined ? {} : { 'Cache-Control': reply.cache }
      response.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...cookies, ...cache })
      response.end(JSON.stringify(reply.json))
    } catch (error) {
      if (!nodeAdapter.sendProblem(error, response)) response.writeHead(500).end()
    }
  }

  const server = createServer((request, response) => {
    protect(request, response, (error) => {
      if (error !== undefined) return response.writeHead(500).end()
      const path = (request.url ?? '').split('?', 1)[0]
      const route = world.routes.find((one) => one.method === request.method && one.path === path)
      if (route === undefined) return response.writeHead(404).end('app: not found')
      const guard = route.requires === undefined ? undefined : guards.get(route)
      if (guard === undefined) return void answer(route, request, response)
      return guard(request, response, () => void answer(route, request, response))
    })
  })
  return listening(server)
}

export async function serveExpress(world: World): Promise<Served> {
  const app = express()
  app.use(expressAdapter.holdfastExpress(world.holdfast))
  app.use(express.json({ strict: false }))
  for (const route of world.routes) {
    const guards = route.requires === undefined ? [] : [expressAdapter.requireSession(route.requires)]
    const method = route.method === 'GET' ? 'get' : 'post'
    app[method](route.path, ...guards, async (request, response) => {
      const reply = await route.run(request.holdfast, (request.body ?? {}) as Body)
      for (const line of reply.cookies ?? []) response.append('Set-Cookie', line)
      if (reply.cache !== undefined) response.set('Cache-Control', reply.cache)
      response.status(reply.status ?? 200).json(reply.json)
    })
  }
  app.use((_request: express.Request, response: express.Response) => {
    response.status(404).send('app: not found')
  })
  app.use(expressAdapter.holdfastErrors())
  return listening(createServer(app))
}

export async function serveFastify(world: World): Promise<Served> {
  const app = fastify({ forceCloseConnections: true })
  await app.register(fastifyAdapter.holdfastFastify(world.holdfast))
  for (const route of world.routes) {
    app.route({
      method: route.method,
      url: route.path,
      ...(route.requires === undefined ? {} : { preHandler: fastifyAdapter.requireSession(route.requires) }),
      handler: async (request, reply) => {
        const result = await route.run(request.holdfast, (request.body ?? {}) as Body)
        for (const line of result.cookies ?? []) reply.header('set-cookie', line)
        if (result.cache !== undefined) reply.header('cache-control', result.cache)
        return reply.code(result.status ?? 200).send(result.json)
      },
    })
  }
  app.setNotFoundHandler((_request, reply) => reply.code(404).send('app: not found'))
  await app.listen({ host: '127.0.0.1', port: 0 })
  return { url: servedBy(app.server).url, close: () => app.close() }
}

function honoApp(world: World, options: honoAdapter.HonoOptions = {}): Hono {
  const app = new Hono()
  app.use(honoAdapter.holdfastHono(world.holdfast, options))
  for (const route of world.routes) {
    if (route.requires !== undefined) app.use(route.path, honoAdapter.requireSession(route.requires))
    app.on(route.method, route.path, async (c) => {
      const body: unknown = route.method === 'POST' ? await c.req.json().catch(() => ({})) : {}
      const reply = await route.run(c.get('holdfast'), body as Body)
      // A response made by hand, which Hono does not merge with what middleware prepared.
      const headers = new Headers({ 'content-type': 'application/json' })
      for (const line of reply.cookies ?? []) headers.append('set-cookie', line)
      if (reply.cache !== undefined) headers.set('Cache-Control', reply.cache)
      return new Response(JSON.stringify(reply.json), { status: reply.status ?? 200, headers })
    })
  }
  app.notFound((c) => c.text('app: not found', 404))
  return app
}

async function onHonoServer(fetch: Parameters<typeof serve>[0]['fetch']): Promise<Served> {
  const server = await new Promise<Server>((resolve) => {
    const started = serve({ fetch, hostname: '127.0.0.1', port: 0 }, () => resolve(started as Server))
  })
  return servedBy(server)
}

export function serveHono(world: World): Promise<Served> {
  return onHonoServer(honoApp(world).fetch)
}

type FetchHandler = (request: Request, ip: string | undefined) => Response | Promise<Response>

/** Node's server in front of a fetch handler. */
function bridge(handler: FetchHandler): Promise<Served> {
  const server = createServer(async (incoming, outgoing) => {
    const method = incoming.method ?? 'GET'
    const headers = new Headers()
    for (let at = 0; at + 1 < incoming.rawHeaders.length; at += 2) {
      headers.append(incoming.rawHeaders[at] ?? '', incoming.rawHeaders[at + 1] ?? '')
    }
    // Two Cookie lines are one list; Headers would join them with a comma.
    if (incoming.headers.cookie !== undefined) headers.set('cookie', incoming.headers.cookie)
    const body = method === 'GET' || method === 'HEAD' ? null : (Readable.toWeb(incoming) as ReadableStream)
    const request = new Request(`http://${incoming.headers.host}${incoming.url}`, { method, headers, body, duplex: 'half' })
    try {
      const response = await handler(request, incoming.socket.remoteAddress)
      outgoing.writeHead(response.status, [...response.headers].flat())
      outgoing.end(new Uint8Array(await response.arrayBuffer()))
    } catch {
      outgoing.writeHead(500).end()
    }
  })
  return listening(server)
}

function webHandler(world: World): webAdapter.HeldWebHandler {
  const guards = new Map(world.routes.map((route) => [route, webAdapter.requireSession(route.requires)]))
  return webAdapter.holdfastWeb(world.holdfast)(async (request, held) => {
    const { pathname } = new URL(request.url)
    const route = world.routes.find((one) => one.method === request.method && one.path === pathname)
    if (route === undefined) return new Response('app: not found', { status: 404 })
    const refused = route.requires === undefined ? undefined : await guards.get(route)?.(held)
    if (refused !== undefined) return refused
    const reply = await route.run(held, request.method === 'POST' ? await bodyOf(request.body ?? Readable.from([])) : {})
    const headers = new Headers({ 'content-type': 'application/json' })
    for (const line of reply.cookies ?? []) headers.append('set-cookie', line)
    if (reply.cache !== undefined) headers.set('Cache-Control', reply.cache)
    return new Response(JSON.stringify(reply.json), { status: reply.status ?? 200, headers })
  })
}

export function serveWeb(world: World): Promise<Served> {
  const handler = webHandler(world)
  return bridge((request, ip) => handler(request, { ip }))
}

/** A fetch handler where Node's own pair comes with each request. */
export function serveWebOnNode(world: World): Promise<Served> {
  return onHonoServer(webHandler(world))
}

/** Hono where there is no Node request to read: the fetch path of the adapter. */
export function serveHonoFetch(world: World): Promise<Served> {
  let peer: string | undefined
  const app = honoApp(world, { peer: () => peer })
  return bridge((request, ip) => {
    peer = ip
    return app.fetch(request)
  })
}

export const servers: Readonly<Record<string, (world: World) => Promise<Served>>> = {
  node: serveNode,
  express: serveExpress,
  fastify: serveFastify,
  hono: serveHono,
  'hono over fetch': serveHonoFetch,
  web: serveWeb,
  'web on node': serveWebOnNode,
}
