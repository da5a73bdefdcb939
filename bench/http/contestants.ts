/** Who runs: each is `GET /me` on a framework, with or without a session library. */
import type { Backend } from '../stores/services.ts'

export type Framework = 'node' | 'express' | 'fastify' | 'hono' | 'fetch'

export interface Contestant {
  /** Also the key in the results. */
  readonly name: string
  readonly framework: Framework
  readonly kind: 'bare' | 'least' | 'holdfast' | 'peer'
  /** Names an export of `servers/<file>.ts`. */
  readonly server: readonly [file: string, name: string]
  /** How the credential of `POST /login` comes back. */
  readonly carriedBy: 'cookie' | 'bearer'
  /** Least share of the bare framework's requests per second that it must keep. */
  readonly target?: number
  /** Least share of another contestant's requests per second that it must keep. */
  readonly keeps?: { readonly of: string; readonly least: number }
  /** Where the sessions are kept; absent: in the process. */
  readonly backend?: Backend
  /** Of a peer: whom it is compared with, and how many times as fast that one must be. Default `<framework> holdfast`, 1. */
  readonly against?: { readonly name: string; readonly times: number }
}

function bare(framework: Framework): Contestant {
  return { name: `${framework} bare`, framework, kind: 'bare', server: [framework, 'bare'], carriedBy: 'cookie' }
}

/** The framework with what any session library must put there, and no session: how much of bare one can keep at all. */
function boundOf(framework: Framework, name: string, server: string): Contestant {
  return { ...bare(framework), name: `${framework} bare, ${name}`, server: [framework, server] }
}

/** The least that a session can be: what any costs on this machine. */
function leastOn(framework: Framework, server: string): Contestant {
  return { ...holdfastOn(framework), name: `${framework} least session`, kind: 'least', server: ['least', server] }
}

function holdfastOn(framework: Framework, target?: number): Contestant {
  const server = [framework, 'withHoldfast'] as const
  const contestant = { name: `${framework} holdfast`, framework, kind: 'holdfast', server, carriedBy: 'cookie' } as const
  return target === undefined ? contestant : { ...contestant, target }
}

function peerOn(framework: Framework, name: string, server: string, carriedBy: 'cookie' | 'bearer' = 'cookie'): Contestant {
  return { name: `${framework} ${name}`, framework, kind: 'peer', server: [framework, server], carriedBy }
}

/** With its sessions in a server: behind the cache, or `uncached`, which asks at each check. */
function holdfastIn(backend: Backend, framework: Framework, file: string, name: string, target?: number): Contestant {
  const contestant = { ...holdfastOn(framework, target), backend, server: ['stores', file] } as const
  return { ...contestant, name: `${framework} ${name}` }
}

export const bareOf: Readonly<Record<Framework, Contestant>> = {
  node: bare('node'),
  express: bare('express'),
  fastify: bare('fastify'),
  hono: bare('hono'),
  fetch: bare('fetch'),
}

export const contestants: readonly Contestant[] = [
  boundOf('node', 'no-store header', 'withHeader'),
  boundOf('fastify', 'empty hooks', 'withHooks'),
  boundOf('hono', 'empty middleware', 'withMiddleware'),
  boundOf('express', 'empty middleware', 'withMiddleware'),
  boundOf('node', 'handed on together', 'handedOn'),
  boundOf('fastify', 'handed on together', 'handedOn'),
  boundOf('hono', 'handed on together', 'handedOn'),
  boundOf('express', 'handed on together', 'handedOn'),
  { ...bare('node'), name: 'node bare, Redis connection', backend: 'redis', server: ['stores', 'besideRedis'] },
  { ...bare('node'), name: 'node bare, PostgreSQL connection', backend: 'postgres', server: ['stores', 'besidePostgres'] },
  leastOn('node', 'node'),
  leastOn('fastify', 'onFastify'),
  leastOn('hono', 'onHono'),
  leastOn('express', 'onExpress'),
  holdfastOn('node', 0.91),
  {
    ...holdfastOn('node'),
    name: 'node holdfast, events recorded',
    server: ['recorded', 'attached'],
    keeps: { of: 'node holdfast', least: 0.95 },
  },
  // For information: what an event costs, at a rate that no app has.
  { ...holdfastOn('node'), name: 'node holdfast, an event at each request', server: ['recorded', 'eachRequest'] },
  holdfastOn('fastify', 0.91),
  holdfastOn('hono', 0.91),
  holdfastOn('express', 0.88),
  holdfastOn('fetch'),
  holdfastIn('redis', 'node', 'redis', 'holdfast, Redis', 0.9),
  holdfastIn('postgres', 'node', 'postgres', 'holdfast, PostgreSQL', 0.9),
  holdfastIn('redis', 'express', 'redisUncached', 'holdfast, Redis, uncached'),
  holdfastIn('postgres', 'express', 'postgresUncached', 'holdfast, PostgreSQL, uncached'),
  {
    ...peerOn('express', 'express-session, connect-redis', 'connectRedis'),
    backend: 'redis',
    server: ['stores', 'connectRedis'],
    against: { name: 'express holdfast, Redis, uncached', times: 1.5 },
  },
  peerOn('express', 'express-session', 'withExpressSession'),
  peerOn('fastify', '@fastify/session', 'withFastifySession'),
  peerOn('fastify', '@fastify/secure-session', 'withSecureSession'),
  peerOn('fastify', 'fast-jwt, cache on', 'withFastJwt', 'bearer'),
  peerOn('hono', 'jose HS256', 'withJose', 'bearer'),
  { ...peerOn('hono', 'better-auth', 'withBetterAuth'), server: ['better-auth', 'withoutCache'] },
  { ...peerOn('hono', 'better-auth, cookie cache', 'withBetterAuth'), server: ['better-auth', 'withCache'] },
]
