/** Hono 4 on its Node server. */
import type { Server } from 'node:http'
import { serve as serveFetch } from '@hono/node-server'
import { holdfastHono, requireSession } from 'holdfast/adapters/hono'
import { Hono, type MiddlewareHandler } from 'hono'
import { freshHoldfast } from '../../shared/holdfast.ts'
import { joseTokens } from '../../shared/jwt.ts'
import { host, type Listening, listening, nobody, refusal, subjectIn, tokenIn } from './server.ts'

export function serve(app: Pick<Hono, 'fetch'>): Promise<Listening> {
  return listening(serveFetch({ fetch: app.fetch, port: 0, hostname: host }) as Server)
}

export function bare(): Promise<Listening> {
  const app = new Hono()
  app.get('/me', (c) => c.json(nobody))
  return serve(app)
}

/** What any middleware with a guard costs here: two that do next to nothing take every request off Hono's path for one handler. */
export function withMiddleware(): Promise<Listening> {
  const app = new Hono<{ Variables: { subject: string } }>()
  app.use((c, next) => {
    c.set('subject', nobody.subject)
    return next()
  })
  const guard: MiddlewareHandler = (_c, next) => next()
  app.get('/me', guard, (c) => c.json({ subject: c.get('subject') }))
  return serve(app)
}

/** The bare framework, each request handed on once those that arrived with it are read, as Holdfast does it. */
export function handedOn(): Promise<Listening> {
  const app = new Hono()
  app.use(async (_c, next) => {
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
    await next()
  })
  app.get('/me', (c) => c.json(nobody))
  return serve(app)
}

export function withHoldfast(): Promise<Listening> {
  const app = new Hono()
  app.use(holdfastHono(freshHoldfast()))
  app.get('/me', requireSession(), (c) => c.json({ subject: c.get('holdfast').subject }))
  app.post('/login', async (c) => {
    await c.get('holdfast').signIn({ subject: subjectIn(c.req.url) })
    return c.json({})
  })
  return serve(app)
}

export async function withJose(): Promise<Listening> {
  const { sign, verify } = await joseTokens()
  const app = new Hono()
  app.get('/me', async (c) => {
    try {
      const { payload } = await verify(tokenIn(c.req.header('authorization')))
      return c.json({ subject: payload.sub })
    } catch {
      return c.json(refusal, 401)
    }
  })
  app.post('/login', async (c) => c.json({ token: await sign(subjectIn(c.req.url)) }))
  return serve(app)
}
