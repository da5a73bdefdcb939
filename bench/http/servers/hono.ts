/** Hono 4 on its Node server. */
import type { Server } from 'node:http'
import { serve as serveFetch } from '@hono/node-server'
import { holdfastHono, requireSession } from 'holdfast/adapters/hono'
import { Hono } from 'hono'
import { freshHoldfast } from '../../shared/holdfast.ts'
import { joseTokens } from '../../shared/jwt.ts'
import { host, type Listening, listening, nobody, refusal, subjectIn, tokenIn } from './server.ts'

export function serve(app: Hono): Promise<Listening> {
  return listening(serveFetch({ fetch: app.fetch, port: 0, hostname: host }) as Server)
}

export function bare(): Promise<Listening> {
  const app = new Hono()
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
