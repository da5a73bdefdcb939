/** Express 5. */
import { randomBytes } from 'node:crypto'
import express, { type Express, type RequestHandler } from 'express'
import type { Holdfast } from 'holdfast'
import { holdfastExpress, requireSession } from 'holdfast/adapters/express'
import { freshHoldfast } from '../../shared/holdfast.ts'
import { peer } from '../../shared/peer.ts'
import { host, type Listening, listening, nobody, refusal, subjectIn } from './server.ts'

function serve(app: Express): Promise<Listening> {
  return listening(app.listen(0, host))
}

export function bare(): Promise<Listening> {
  const app = express()
  app.get('/me', (_request, response) => void response.json(nobody))
  return serve(app)
}

/** What any middleware with a guard costs here: two functions that do next to nothing. */
export function withMiddleware(): Promise<Listening> {
  const app = express()
  app.use((_request, _response, next) => next())
  const guard: RequestHandler = (_request, response, next) => {
    response.setHeader('cache-control', 'no-store')
    next()
  }
  app.get('/me', guard, (_request, response) => void response.json(nobody))
  return serve(app)
}

/** The bare framework, each request handed on once those that arrived with it are read, as Holdfast does it. */
export function handedOn(): Promise<Listening> {
  const app = express()
  app.use((_request, _response, next) => void setImmediate(next))
  app.get('/me', (_request, response) => void response.json(nobody))
  return serve(app)
}

export function withHoldfast(): Promise<Listening> {
  return serveWith(freshHoldfast())
}

export function serveWith(holdfast: Holdfast): Promise<Listening> {
  const app = express()
  app.use(holdfastExpress(holdfast))
  app.get('/me', requireSession(), (request, response) => void response.json({ subject: request.holdfast.subject }))
  app.post('/login', async (request, response) => {
    await request.holdfast.signIn({ subject: subjectIn(request.url) })
    response.json({})
  })
  return serve(app)
}

interface ExpressSession {
  readonly default: (options: object) => RequestHandler
}

interface WithSession {
  readonly session: { subject?: string }
}

/** With its memory store and the options that its documentation advises. */
export function withExpressSession(): Promise<Listening> {
  return serveWithSession({})
}

export async function serveWithSession(options: { readonly store?: object }): Promise<Listening> {
  const { default: session } = await peer<ExpressSession>('express-session')
  const app = express()
  app.use(session({ ...options, secret: randomBytes(32).toString('hex'), resave: false, saveUninitialized: false }))
  app.get('/me', (request, response) => {
    const { subject } = (request as unknown as WithSession).session
    if (subject === undefined) response.status(401).json(refusal)
    else response.json({ subject })
  })
  app.post('/login', (request, response) => {
    const { session } = request as unknown as WithSession
    session.subject = subjectIn(request.url)
    response.json({})
  })
  return serve(app)
}
