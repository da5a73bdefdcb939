/**
 * The least that a session in memory can be, on each framework: a random token, its SHA-256 as the key of a map, an idle
 * and an absolute limit, and activity noted once a minute. No tag, no client, no transport, no forgery, no policy, no event.
 * What it costs, any session costs on the machine of the run.
 */
import { hash, randomBytes } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import express, { type RequestHandler } from 'express'
import Fastify, { type preHandlerHookHandler } from 'fastify'
import { Hono, type MiddlewareHandler } from 'hono'
import { serve as serveHono } from './hono.ts'
import { host, isLogin, type Listening, listening, refusal, subjectIn } from './server.ts'

interface Session {
  readonly subject: string
  readonly until: number
  seenAt: number
}

const cookie = 'session='
const tokenLength = 43
const idle = 30 * 60_000
const absolute = 12 * 3_600_000
const touchEvery = 60_000

class LeastSessions {
  readonly #sessions: Map<string, Session> = new Map()

  /** The `Set-Cookie` line of a new session. */
  start(subject: string): string {
    const token = randomBytes(32).toString('base64url')
    const now = Date.now()
    this.#sessions.set(hash('sha256', token, 'base64url'), { subject, seenAt: now, until: now + absolute })
    return `${cookie}${token}; Path=/; HttpOnly; SameSite=Lax`
  }

  subjectOf(header: string | undefined): string | undefined {
    const at = header?.indexOf(cookie) ?? -1
    if (header === undefined || at === -1) return undefined
    const from = at + cookie.length
    const session = this.#sessions.get(hash('sha256', header.slice(from, from + tokenLength), 'base64url'))
    if (session === undefined) return undefined
    const now = Date.now()
    if (now >= session.until || now - session.seenAt >= idle) return undefined
    if (now - session.seenAt >= touchEvery) session.seenAt = now
    return session.subject
  }
}

declare module 'node:http' {
  interface IncomingMessage {
    least?: string | undefined
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    least: string | undefined
  }
}

export async function node(): Promise<Listening> {
  const sessions = new LeastSessions()
  const listener: RequestListener = (request, response) => {
    request.least = sessions.subjectOf(request.headers.cookie)
    const send = (value: object): void => {
      response.setHeader('content-type', 'application/json; charset=utf-8')
      response.end(JSON.stringify(value))
    }
    if (request.method === 'GET' && request.url === '/me') {
      if (request.least !== undefined) return send({ subject: request.least })
      response.statusCode = 401
      return send(refusal)
    }
    response.statusCode = isLogin(request) ? 200 : 404
    if (isLogin(request)) response.setHeader('set-cookie', sessions.start(subjectIn(request.url)))
    return send({})
  }
  return listening(createServer(listener).listen(0, host))
}

export async function onExpress(): Promise<Listening> {
  const sessions = new LeastSessions()
  const app = express()
  app.use((request, _response, next) => {
    request.least = sessions.subjectOf(request.headers.cookie)
    next()
  })
  const guard: RequestHandler = (request, response, next) => {
    if (request.least === undefined) response.status(401).json(refusal)
    else next()
  }
  app.get('/me', guard, (request, response) => void response.json({ subject: request.least }))
  app.post('/login', (request, response) => {
    response.setHeader('set-cookie', sessions.start(subjectIn(request.url)))
    response.json({})
  })
  return listening(app.listen(0, host))
}

export async function onFastify(): Promise<Listening> {
  const sessions = new LeastSessions()
  const app = Fastify()
  app.decorateRequest('least', undefined)
  app.addHook('onRequest', (request, _reply, done) => {
    request.least = sessions.subjectOf(request.headers.cookie)
    done()
  })
  const preHandler: preHandlerHookHandler = (request, reply, done) => {
    if (request.least === undefined) void reply.code(401).send(refusal)
    else done()
  }
  app.get('/me', { preHandler }, (request, reply) => reply.send({ subject: request.least }))
  app.post('/login', (request, reply) => reply.header('set-cookie', sessions.start(subjectIn(request.url))).send({}))
  await app.listen({ port: 0, host })
  return app.server
}

export function onHono(): Promise<Listening> {
  const sessions = new LeastSessions()
  const app = new Hono<{ Variables: { least: string | undefined } }>()
  app.use((c, next) => {
    c.set('least', sessions.subjectOf(c.req.header('cookie')))
    return next()
  })
  const guard: MiddlewareHandler = (c, next) => (c.get('least') === undefined ? Promise.resolve(c.json(refusal, 401)) : next())
  app.get('/me', guard, (c) => c.json({ subject: c.get('least') }))
  app.post('/login', (c) => {
    c.header('set-cookie', sessions.start(subjectIn(c.req.url)))
    return c.json({})
  })
  return serveHono(app)
}
