/** Fastify 5. */
import { randomBytes } from 'node:crypto'
import Fastify, {
  type FastifyInstance,
  type FastifyPluginCallback,
  type FastifyRequest,
  type preHandlerHookHandler,
} from 'fastify'
import { holdfastFastify, requireSession } from 'holdfast/adapters/fastify'
import { freshHoldfast } from '../../shared/holdfast.ts'
import { fastJwtTokens } from '../../shared/jwt.ts'
import { peer } from '../../shared/peer.ts'
import { host, type Listening, nobody, refusal, subjectIn, tokenIn } from './server.ts'

declare module 'fastify' {
  interface FastifyRequest {
    subject: string
  }
}

async function serve(app: FastifyInstance): Promise<Listening> {
  await app.listen({ port: 0, host })
  return app.server
}

export function bare(): Promise<Listening> {
  const app = Fastify()
  app.get('/me', (_request, reply) => reply.send(nobody))
  return serve(app)
}

/** What any plugin with a guard costs here: a hook, a decorator and a `preHandler` that do next to nothing. */
export function withHooks(): Promise<Listening> {
  const app = Fastify()
  app.decorateRequest('subject', '')
  app.addHook('onRequest', (request, _reply, done) => {
    request.subject = nobody.subject
    done()
  })
  const preHandler: preHandlerHookHandler = (_request, reply, done) => {
    reply.header('cache-control', 'no-store')
    done()
  }
  app.get('/me', { preHandler }, (request, reply) => reply.send({ subject: request.subject }))
  return serve(app)
}

/** The bare framework, each request handed on once those that arrived with it are read, as Holdfast does it. */
export function handedOn(): Promise<Listening> {
  const app = Fastify()
  app.addHook('onRequest', (_request, _reply, done) => void setImmediate(done))
  app.get('/me', (_request, reply) => reply.send(nobody))
  return serve(app)
}

export async function withHoldfast(): Promise<Listening> {
  const app = Fastify()
  await app.register(holdfastFastify(freshHoldfast()))
  app.get('/me', { preHandler: requireSession() }, (request, reply) => reply.send({ subject: request.holdfast.subject }))
  app.post('/login', async (request) => {
    await request.holdfast.signIn({ subject: subjectIn(request.url) })
    return {}
  })
  return serve(app)
}

interface Plugin {
  readonly default: FastifyPluginCallback<Readonly<Record<string, unknown>>>
}

interface ValueSession {
  get(name: string): unknown
  set(name: string, value: unknown): void
}

/** Both session plugins of Fastify have the same `get` and `set`. */
function sessionRoutes(app: FastifyInstance): void {
  const sessionOf = (request: FastifyRequest) => (request as unknown as { readonly session: ValueSession }).session
  app.get('/me', (request, reply) => {
    const subject = sessionOf(request).get('subject')
    return subject === undefined ? reply.code(401).send(refusal) : reply.send({ subject })
  })
  app.post('/login', (request, reply) => {
    sessionOf(request).set('subject', subjectIn(request.url))
    return reply.send({})
  })
}

/** With its memory store; like `resave: false`: what has not changed is not saved, and no cookie is sent again. */
export async function withFastifySession(): Promise<Listening> {
  const cookie = await peer<Plugin>('@fastify/cookie')
  const session = await peer<Plugin>('@fastify/session')
  const app = Fastify()
  await app.register(cookie.default)
  await app.register(session.default, {
    secret: randomBytes(32).toString('hex'),
    cookie: { secure: false },
    saveUninitialized: false,
    rolling: false,
  })
  sessionRoutes(app)
  return serve(app)
}

export async function withSecureSession(): Promise<Listening> {
  const secureSession = await peer<Plugin>('@fastify/secure-session')
  const app = Fastify()
  await app.register(secureSession.default, { key: randomBytes(32), cookie: { path: '/', httpOnly: true } })
  sessionRoutes(app)
  return serve(app)
}

export async function withFastJwt(): Promise<Listening> {
  const { sign, verify } = await fastJwtTokens()
  const app = Fastify()
  app.get('/me', (request, reply) => {
    try {
      return reply.send({ subject: verify(tokenIn(request.headers.authorization)).sub })
    } catch {
      return reply.code(401).send(refusal)
    }
  })
  app.post('/login', (request, reply) => reply.send({ token: sign(subjectIn(request.url)) }))
  return serve(app)
}
