/**
 * Hono 4, on Node and elsewhere.
 *
 * @example
 * app.use(holdfastHono(holdfast))
 * app.get('/me', requireSession(), (c) => c.json({ subject: c.get('holdfast').subject }))
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Context, ErrorHandler, MiddlewareHandler, Next } from 'hono'
import type { ApiKeys } from '../defence/api-keys.ts'
import { ConfigurationError } from '../engine/errors.ts'
import { checkOptionsObject, unknownNames } from '../engine/option-readers.ts'
import type { Holdfast } from '../holdfast.ts'
import { type ApiKeyRequirement, checkApiKey, parseApiKeyRequirement } from '../http/api-key-guard.ts'
import type { StartAnonymousInput } from '../http/changes.ts'
import { coreOf, type HttpCore } from '../http/core.ts'
import { Exchange } from '../http/exchange.ts'
import { responseOf } from '../http/fetch.ts'
import { FetchCarrier } from '../http/fetch-carrier.ts'
import { enter, inTurn } from '../http/gate.ts'
import { checkRequirement, parseRequirement, type SessionRequirement } from '../http/guard.ts'
import { NodeFetchCarrier, type NodePair, nodePairIn } from '../http/node-fetch.ts'
import { type Answer, answerFor } from '../http/problem.ts'
import type { RegisteredAttributes } from '../http/register.ts'
import type { HoldfastRequest } from '../http/request.ts'
import type { OpenSink, Sink } from '../http/sink.ts'
import { openNodeSink } from '../http/sink-node.ts'
import { type OpenedStream, openAnonymousStream, openStream } from '../http/sse.ts'
import { openFetchSink, type WebEventStream, withAnswered, withResponse } from '../http/stream-fetch.ts'
import type { Attributes, Awaitable } from '../store/store.ts'

export type { ApiKeyRequirement } from '../http/api-key-guard.ts'
export type { SessionRequirement } from '../http/guard.ts'
export type { WebEventStream } from '../http/stream-fetch.ts'

declare module 'hono' {
  interface ContextVariableMap {
    holdfast: HoldfastRequest<RegisteredAttributes>
  }
}

export interface HonoOptions {
  /** The address at the other end of the connection, where the runtime is not Node. */
  readonly peer?: (context: Context) => string | undefined
}

/** What Hono asks of an error that knows its own response; an app's `onError` still goes first. */
function respondable(error: unknown, method: string): unknown {
  const answer = answerFor(error)
  return answer === undefined ? error : Object.assign(error as Error, { getResponse: () => responseOf(answer, method) })
}

/** Refusals thrown by the calls on the request are answered as problem documents, without a look at every response. */
class HonoExchange extends Exchange {
  protected override async changed<T>(change: Promise<T>): Promise<T> {
    try {
      return await change
    } catch (error) {
      throw respondable(error, this.carrier.method)
    }
  }
}

async function goOn(refusing: Awaitable<Answer | undefined>, c: Context, next: Next): Promise<Response | undefined> {
  const answer = await refusing
  if (answer !== undefined) return responseOf(answer, c.req.method)
  await next()
  return undefined
}

async function throughNode(core: HttpCore, c: Context, next: Next, pair: NodePair): ReturnType<MiddlewareHandler> {
  // At once: a connection that ends meanwhile takes its address with it.
  const exchange = new HonoExchange(core, new NodeFetchCarrier(pair, c.req))
  c.set('holdfast', exchange)
  await new Promise<void>((resolve) => inTurn(exchange, resolve))
  const entering = enter(exchange)
  return entering === undefined ? next() : goOn(entering, c, next)
}

async function throughFetch(core: HttpCore, c: Context, next: Next, peer: string | undefined): Promise<void> {
  const carrier = new FetchCarrier(c.req.raw, peer)
  const exchange = new HonoExchange(core, carrier)
  c.set('holdfast', exchange)
  const response = (await goOn(enter(exchange), c, next)) ?? c.res
  // Hono merges a replaced response into the one before, cookies and all: cleared, ours is the only one.
  c.res = undefined
  c.res = carrier.finish(response)
}

function checkHonoOptions(options: HonoOptions): void {
  checkOptionsObject(options)
  const found = unknownNames(options, ['peer'], '')
  if (options.peer !== undefined && typeof options.peer !== 'function')
    found.push({ field: 'peer', message: 'must be a function' })
  if (found.length > 0) throw new ConfigurationError(found)
}

/** Middleware that sets `holdfast` on the context, refuses forged requests and answers the mounted routes. */
export function holdfastHono<A extends Attributes>(holdfast: Holdfast<A>, options: HonoOptions = {}): MiddlewareHandler {
  const core = coreOf(holdfast as unknown as Holdfast)
  checkHonoOptions(options)
  return (c, next) => {
    // `@hono/node-server` gives Node's own pair as `env`.
    const pair = nodePairIn(c.env)
    return pair === undefined ? throughFetch(core, c, next, options.peer?.(c)) : throughNode(core, c, next, pair)
  }
}

/** For `app.onError`: answers errors of Holdfast's that come from calls on `holdfast` itself; throws the others on. */
export function holdfastErrors(): ErrorHandler {
  return (error, c) => {
    const answer = answerFor(error)
    if (answer === undefined) throw error
    return responseOf(answer, c.req.method)
  }
}

/** Middleware that lets only requests through whose session meets the requirement. */
export function requireSession(requirement?: SessionRequirement): MiddlewareHandler {
  const parsed = parseRequirement(requirement)
  return (c, next) => {
    const exchange: unknown = c.get('holdfast')
    if (!(exchange instanceof Exchange)) throw new Error('requireSession needs the Holdfast middleware before it')
    const checking = checkRequirement(exchange, parsed)
    return checking === undefined ? next() : goOn(checking, c, next)
  }
}

/** Middleware that lets only requests through that come with an API key of these scopes. */
export function requireApiKey(apiKeys: ApiKeys, requirement?: ApiKeyRequirement): MiddlewareHandler {
  const scopes = parseApiKeyRequirement(apiKeys, requirement)
  return async (c, next) => {
    const exchange: unknown = c.get('holdfast')
    if (!(exchange instanceof Exchange)) throw new Error('requireApiKey needs the Holdfast middleware before it')
    const answer = await checkApiKey(exchange, apiKeys, scopes)
    if (answer !== undefined) return responseOf(answer, c.req.method)
    return next()
  }
}

function exchangeOf(c: Context): Exchange {
  const exchange: unknown = c.get('holdfast')
  if (!(exchange instanceof Exchange)) throw new Error('a stream needs the Holdfast middleware before it')
  return exchange
}

/** By Node's own response where there is one: only that can be cut off with what it has not sent. */
async function streamOf(
  c: Context,
  open: <S extends Sink>(exchange: Exchange, openSink: OpenSink<S>) => Promise<OpenedStream<S>>,
): Promise<WebEventStream> {
  const pair = nodePairIn(c.env)
  try {
    if (pair === undefined) return withResponse(await open(exchangeOf(c), openFetchSink))
    const [incoming, outgoing] = [pair.incoming as IncomingMessage, pair.outgoing as ServerResponse]
    const { stream } = await open(exchangeOf(c), (headers, receiver) => {
      for (const [name, value] of c.res.headers) if (name !== 'content-type') outgoing.setHeader(name, value)
      return openNodeSink(incoming, outgoing, headers, receiver)
    })
    return withAnswered(stream)
  } catch (error) {
    throw respondable(error, c.req.method)
  }
}

/**
 * Opens a stream of server-sent events for the session of the request, anonymous or signed in; its `response` is to be
 * returned. Throws as the guards refuse, `csrf-failed` when another site's page made the request, `rate-limited` when
 * too many are open.
 */
export function startStream(c: Context): Promise<WebEventStream> {
  return streamOf(c, openStream)
}

/**
 * The same, and for a visitor who presents nothing a new anonymous session, whose token is the first event,
 * `session_token`, and in the response header, or in the cookie with `{ carrier: 'cookie' }`.
 */
export function anonymousStream(c: Context, input?: StartAnonymousInput): Promise<WebEventStream> {
  return streamOf(c, (exchange, openSink) => openAnonymousStream(exchange, openSink, input))
}
