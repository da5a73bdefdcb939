/**
 * Fastify 5.
 *
 * @example
 * await app.register(holdfastFastify(holdfast))
 * app.get('/me', { preHandler: requireSession() }, (request) => ({ subject: request.holdfast.subject }))
 */
import type {
  FastifyPluginCallback,
  FastifyReply,
  FastifyRequest,
  HookHandlerDoneFunction,
  onRequestHookHandler,
  preHandlerAsyncHookHandler,
  preHandlerHookHandler,
  RouteOptions,
} from 'fastify'
import type { ApiKeys } from '../defence/api-keys.ts'
import type { Holdfast } from '../holdfast.ts'
import { type ApiKeyRequirement, checkApiKey, parseApiKeyRequirement } from '../http/api-key-guard.ts'
import type { StartAnonymousInput } from '../http/changes.ts'
import { coreOf } from '../http/core.ts'
import { Exchange } from '../http/exchange.ts'
import { enter, inTurn } from '../http/gate.ts'
import { checkRequirement, parseRequirement, type SessionRequirement } from '../http/guard.ts'
import { NodeCarrier } from '../http/node.ts'
import { type Answer, answerFor } from '../http/problem.ts'
import type { RegisteredAttributes } from '../http/register.ts'
import type { HoldfastRequest } from '../http/request.ts'
import { mountedPaths } from '../http/routes.ts'
import type { OpenSink } from '../http/sink.ts'
import { openNodeSink } from '../http/sink-node.ts'
import { openAnonymousStream, openStream } from '../http/sse.ts'
import type { EventStream } from '../http/stream.ts'
import type { Attributes, Awaitable } from '../store/store.ts'

export type { ApiKeyRequirement } from '../http/api-key-guard.ts'
export type { SessionRequirement } from '../http/guard.ts'
export type { SocketSession, WebSocketLike } from '../http/socket.ts'
export { guardSockets, type SocketConnected, type UpgradeListener, type UpgradeServer } from '../http/upgrade.ts'

declare module 'fastify' {
  interface FastifyRequest {
    holdfast: HoldfastRequest<RegisteredAttributes>
  }
}

function send(reply: FastifyReply, answer: Answer): FastifyReply {
  return reply
    .code(answer.status)
    .headers(answer.headers)
    .send(answer.body ?? undefined)
}

class FastifyCarrier extends NodeCarrier {
  readonly #reply: FastifyReply

  constructor(request: FastifyRequest, reply: FastifyReply) {
    super(request.raw, reply.raw)
    this.#reply = reply
  }

  // With headers on the raw response too, Node merges one by one what Fastify sends in a piece.
  override setDefault(name: string, value: string): void {
    if (!this.#reply.hasHeader(name)) this.#reply.header(name, value)
  }
}

function goOn(answer: Awaitable<Answer | undefined>, reply: FastifyReply, done: HookHandlerDoneFunction): void {
  if (answer instanceof Promise) answer.then((settled) => goOn(settled, reply, done), done)
  else if (answer === undefined) done()
  else send(reply, answer)
}

/** A fault goes to `done`: there is no caller any more whom it could be thrown to. */
function open(exchange: Exchange, reply: FastifyReply, done: HookHandlerDoneFunction): void {
  let opening: Awaitable<Answer | undefined>
  try {
    opening = enter(exchange)
  } catch (fault) {
    done(fault as Error)
    return
  }
  goOn(opening, reply, done)
}

function openRequest(core: Holdfast['http']): onRequestHookHandler {
  return (request, reply, done) => {
    // At once: a connection that ends meanwhile takes its address with it.
    const exchange = new Exchange(core, new FastifyCarrier(request, reply))
    request.holdfast = exchange
    inTurn(exchange, () => open(exchange, reply, done))
  }
}

/** Answers what `signIn` and its like throw; any other error goes on to the app's own handler. */
function answerError(error: unknown, _request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const answer = answerFor(error)
  if (answer === undefined) throw error
  return send(reply, answer)
}

function answerErrorsOf(route: RouteOptions): void {
  route.errorHandler ??= answerError
}

/** A plugin that puts `request.holdfast` on each request, refuses forged ones and answers the mounted routes. */
export function holdfastFastify<A extends Attributes>(holdfast: Holdfast<A>): FastifyPluginCallback {
  const core = coreOf(holdfast as unknown as Holdfast)
  const plugin: FastifyPluginCallback = (app, _options, done) => {
    app.decorateRequest('holdfast')
    app.addHook('onRequest', openRequest(core))
    app.addHook('onRoute', answerErrorsOf)
    // Fastify runs hooks for known routes only; the hook has answered before a handler is asked.
    for (const { method, path } of mountedPaths(core.settings.basePath)) {
      app.route({ method, url: path, handler: (_request, reply) => reply.callNotFound() })
    }
    done()
  }
  // Hooks and the decorator are for the app that registers the plugin, not for a scope of its own.
  return Object.assign(plugin, {
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: 'holdfast',
  })
}

/** A `preHandler` that lets only requests through whose session meets the requirement. */
export function requireSession(requirement?: SessionRequirement): preHandlerHookHandler {
  const parsed = parseRequirement(requirement)
  return (request, reply, done) => {
    const exchange: unknown = request.holdfast
    if (!(exchange instanceof Exchange)) return done(new Error('requireSession needs the Holdfast plugin registered before it'))
    goOn(checkRequirement(exchange, parsed), reply, done)
  }
}

/** A `preHandler` that lets only requests through that come with an API key of these scopes. */
export function requireApiKey(apiKeys: ApiKeys, requirement?: ApiKeyRequirement): preHandlerAsyncHookHandler {
  const scopes = parseApiKeyRequirement(apiKeys, requirement)
  return async (request, reply) => {
    const exchange: unknown = request.holdfast
    if (!(exchange instanceof Exchange)) throw new Error('requireApiKey needs the Holdfast plugin registered before it')
    const answer = await checkApiKey(exchange, apiKeys, scopes)
    return answer === undefined ? undefined : send(reply, answer)
  }
}

function opener(request: FastifyRequest, reply: FastifyReply): OpenSink {
  return (headers, receiver) => {
    reply.hijack()
    // What plugins and hooks have set is on the reply, which sends nothing any more.
    for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) reply.raw.setHeader(name, value)
    return openNodeSink(request.raw, reply.raw, headers, receiver)
  }
}

function exchangeOf(request: FastifyRequest): Exchange {
  const exchange: unknown = request.holdfast
  if (!(exchange instanceof Exchange)) throw new Error('a stream needs the Holdfast plugin registered before it')
  return exchange
}

/**
 * Opens a stream of server-sent events for the session of the request, anonymous or signed in. Throws as the guards
 * refuse, `csrf-failed` when another site's page made the request, `rate-limited` when too many are open.
 */
export async function startStream(request: FastifyRequest, reply: FastifyReply): Promise<EventStream> {
  return (await openStream(exchangeOf(request), opener(request, reply))).stream
}

/**
 * The same, and for a visitor who presents nothing a new anonymous session, whose token is the first event,
 * `session_token`, and in the response header, or in the cookie with `{ carrier: 'cookie' }`.
 */
export async function anonymousStream(
  request: FastifyRequest,
  reply: FastifyReply,
  input?: StartAnonymousInput,
): Promise<EventStream> {
  return (await openAnonymousStream(exchangeOf(request), opener(request, reply), input)).stream
}
