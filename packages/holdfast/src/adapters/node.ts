/**
 * Plain `node:http`, and every framework with `(request, response, next)` middleware.
 *
 * @example
 * const protect = holdfastNode(holdfast)
 * createServer((request, response) => protect(request, response, () => app(request, response)))
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ApiKeys } from '../defence/api-keys.ts'
import type { Holdfast } from '../holdfast.ts'
import { type ApiKeyRequirement, checkApiKey, parseApiKeyRequirement } from '../http/api-key-guard.ts'
import type { StartAnonymousInput } from '../http/changes.ts'
import { coreOf } from '../http/core.ts'
import { Exchange } from '../http/exchange.ts'
import { enter, inTurn } from '../http/gate.ts'
import { checkRequirement, parseRequirement, type SessionRequirement } from '../http/guard.ts'
import { NodeCarrier, sendAnswer } from '../http/node.ts'
import { type Answer, answerFor } from '../http/problem.ts'
import type { RegisteredAttributes } from '../http/register.ts'
import type { HoldfastRequest } from '../http/request.ts'
import type { OpenSink } from '../http/sink.ts'
import { openNodeSink } from '../http/sink-node.ts'
import { openAnonymousStream, openStream } from '../http/sse.ts'
import type { EventStream } from '../http/stream.ts'
import type { Attributes, Awaitable } from '../store/store.ts'

export type { ApiKeyRequirement } from '../http/api-key-guard.ts'
export type { SessionRequirement } from '../http/guard.ts'
export type { SocketSession, WebSocketLike } from '../http/socket.ts'
export { guardSockets, type SocketConnected, type UpgradeListener, type UpgradeServer } from '../http/upgrade.ts'

/** A request that went through the middleware. */
export type HeldRequest<A extends Attributes = RegisteredAttributes> = IncomingMessage & { readonly holdfast: HoldfastRequest<A> }

export type NodeNext = (error?: unknown) => void
export type NodeMiddleware = (request: IncomingMessage, response: ServerResponse, next: NodeNext) => void

interface Holding {
  holdfast?: Exchange
}

function goOn(answer: Awaitable<Answer | undefined>, response: ServerResponse, next: NodeNext): void {
  if (answer instanceof Promise) answer.then((settled) => goOn(settled, response, next), next)
  else if (answer === undefined) next()
  else sendAnswer(response, answer)
}

/** A fault goes to `next`: there is no caller any more whom it could be thrown to. */
function open(exchange: Exchange, response: ServerResponse, next: NodeNext): void {
  let opening: Awaitable<Answer | undefined>
  try {
    opening = enter(exchange)
  } catch (fault) {
    next(fault)
    return
  }
  goOn(opening, response, next)
}

/**
 * Puts `holdfast` on each request, refuses forged ones and answers the mounted routes. `next` is called once the requests
 * that arrived together are read; at once for one that presents no credential.
 */
export function holdfastNode<A extends Attributes>(holdfast: Holdfast<A>): NodeMiddleware {
  // The request carries the general type; an app that named its attributes reads them through `HeldRequest<A>`.
  const core = coreOf(holdfast as unknown as Holdfast)
  return (request, response, next) => {
    // At once: a connection that ends meanwhile takes its address with it.
    const exchange = new Exchange(core, new NodeCarrier(request, response))
    ;(request as Holding).holdfast = exchange
    inTurn(exchange, () => open(exchange, response, next))
  }
}

/** Lets only requests through whose session meets the requirement. Throws `ConfigurationError` on wrong options. */
export function requireSession(requirement?: SessionRequirement): NodeMiddleware {
  const parsed = parseRequirement(requirement)
  return (request, response, next) => {
    const exchange = (request as Holding).holdfast
    if (exchange === undefined) next(new Error('requireSession needs the Holdfast middleware before it'))
    else goOn(checkRequirement(exchange, parsed), response, next)
  }
}

/** Lets only requests through that come with an API key of these scopes. Throws `ConfigurationError` on wrong options. */
export function requireApiKey(apiKeys: ApiKeys, requirement?: ApiKeyRequirement): NodeMiddleware {
  const scopes = parseApiKeyRequirement(apiKeys, requirement)
  return (request, response, next) => {
    const exchange = (request as Holding).holdfast
    if (exchange === undefined) next(new Error('requireApiKey needs the Holdfast middleware before it'))
    else goOn(checkApiKey(exchange, apiKeys, scopes), response, next)
  }
}

/** Answers an error of Holdfast's as a problem document; false when it is not one, or an answer is under way. */
export function sendProblem(error: unknown, response: ServerResponse): boolean {
  const answer = answerFor(error)
  if (answer === undefined || response.headersSent) return false
  sendAnswer(response, answer)
  return true
}

function exchangeOf(request: IncomingMessage): Exchange {
  const exchange = (request as Holding).holdfast
  if (exchange === undefined) throw new Error('a stream needs the Holdfast middleware before it')
  return exchange
}

/**
 * Opens a stream of server-sent events for the session of the request, anonymous or signed in. Throws as the guards
 * refuse, `csrf-failed` when another site's page made the request, `rate-limited` when too many are open.
 */
export async function startStream(request: IncomingMessage, response: ServerResponse): Promise<EventStream> {
  const exchange = exchangeOf(request)
  const open: OpenSink = (headers, receiver) => openNodeSink(request, response, headers, receiver)
  return (await openStream(exchange, open)).stream
}

/**
 * The same, and for a visitor who presents nothing a new anonymous session, whose token is the first event,
 * `session_token`, and in the response header, or in the cookie with `{ carrier: 'cookie' }`.
 */
export async function anonymousStream(
  request: IncomingMessage,
  response: ServerResponse,
  input?: StartAnonymousInput,
): Promise<EventStream> {
  const exchange = exchangeOf(request)
  const open: OpenSink = (headers, receiver) => openNodeSink(request, response, headers, receiver)
  return (await openAnonymousStream(exchange, open, input)).stream
}
