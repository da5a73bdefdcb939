/**
 * Fetch handlers: Next.js routes, Deno, Bun, workers.
 *
 * @example
 * const serve = holdfastWeb(holdfast)
 * export const GET = serve((request, held) => requireSession()(held) ?? Response.json({ subject: held.subject }))
 */
import type { ApiKeys } from '../defence/api-keys.ts'
import type { Holdfast } from '../holdfast.ts'
import { type ApiKeyRequirement, checkApiKey, parseApiKeyRequirement } from '../http/api-key-guard.ts'
import type { StartAnonymousInput } from '../http/changes.ts'
import { coreOf } from '../http/core.ts'
import { Exchange } from '../http/exchange.ts'
import { type ConnectionInfo, openFetch, responseOf, type WebExchange } from '../http/fetch.ts'
import type { FinishedResponse } from '../http/fetch-carrier.ts'
import { checkRequirement, parseRequirement, type SessionRequirement } from '../http/guard.ts'
import { type Answer, answerFor } from '../http/problem.ts'
import { openAnonymousStream, openStream } from '../http/sse.ts'
import { openFetchSink, type WebEventStream, withResponse } from '../http/stream-fetch.ts'
import type { Attributes, Awaitable } from '../store/store.ts'

export type { ApiKeyRequirement } from '../http/api-key-guard.ts'
export type { ConnectionInfo, WebExchange } from '../http/fetch.ts'
export type { FinishedResponse } from '../http/fetch-carrier.ts'
export type { SessionRequirement } from '../http/guard.ts'

export type WebHandler<A extends Attributes = Attributes> = (
  request: Request,
  held: WebExchange<A>,
) => Response | Promise<Response>

/**
 * What is given to the server. It answers at once, without a promise, when this node knows the session and the handler
 * answers at once. `info` tells the address of the client, or is what `@hono/node-server` hands on.
 */
export type HeldWebHandler = (request: Request, info?: ConnectionInfo) => Awaitable<FinishedResponse>

/** Promises of any make: those of another realm, as in a sandboxed runtime, are no instance of ours. */
function isPromise<T extends object>(value: Awaitable<T>): value is Promise<T> {
  return typeof (value as Partial<Promise<T>>).then === 'function'
}

function run<A extends Attributes>(handler: WebHandler<A>, request: Request, held: WebExchange<A>): Awaitable<FinishedResponse> {
  if (held.response !== undefined) return held.response
  const refuse = (error: unknown) => {
    const answer = answerFor(error)
    if (answer === undefined) throw error
    return held.finish(responseOf(answer, request.method))
  }
  try {
    const answer = handler(request, held)
    if (!isPromise(answer)) return held.finish(answer)
    return Promise.resolve(answer)
      .then((response) => held.finish(response))
      .catch(refuse)
  } catch (error) {
    return refuse(error)
  }
}

/**
 * Wraps handlers: each request is opened before, each response finished after, so that no cookie can be dropped.
 * What `signIn` and its like throw is answered as a problem document.
 */
export function holdfastWeb<A extends Attributes>(holdfast: Holdfast<A>): (handler: WebHandler<A>) => HeldWebHandler {
  const core = coreOf(holdfast)
  return (handler) => (request, info) => {
    const opening = openFetch(core, request, info)
    return opening instanceof Promise ? opening.then((held) => run(handler, request, held)) : run(handler, request, opening)
  }
}

type Check<Refusal> = (held: WebExchange) => Refusal

/**
 * A check that gives the refusal to return, or `undefined` when the session meets the requirement. A promise of it where the
 * requirement is `fresh`. Throws `ConfigurationError` on wrong options.
 */
export function requireSession(requirement?: SessionRequirement & { readonly fresh?: false }): Check<FinishedResponse | undefined>
export function requireSession(requirement: SessionRequirement | undefined): Check<Awaitable<FinishedResponse | undefined>>
export function requireSession(requirement?: SessionRequirement): Check<Awaitable<FinishedResponse | undefined>> {
  const parsed = parseRequirement(requirement)
  return (held) => {
    if (!(held instanceof Exchange)) throw new Error('requireSession needs what holdfast.handle returned')
    const refuse = (answer: Answer | undefined) =>
      answer === undefined ? undefined : held.finish(responseOf(answer, held.carrier.method))
    const checking = checkRequirement(held, parsed)
    return checking instanceof Promise ? checking.then(refuse) : refuse(checking)
  }
}

/** A check that gives the refusal to return, or `undefined` when the request comes with an API key of these scopes. */
export function requireApiKey(
  apiKeys: ApiKeys,
  requirement?: ApiKeyRequirement,
): (held: WebExchange) => Promise<FinishedResponse | undefined> {
  const scopes = parseApiKeyRequirement(apiKeys, requirement)
  return async (held) => {
    if (!(held instanceof Exchange)) throw new Error('requireApiKey needs what holdfast.handle returned')
    const answer = await checkApiKey(held, apiKeys, scopes)
    return answer === undefined ? undefined : held.finish(responseOf(answer, held.carrier.method))
  }
}

export type { WebEventStream } from '../http/stream-fetch.ts'

function exchangeOf(held: WebExchange): Exchange {
  if (!(held instanceof Exchange)) throw new Error('a stream needs what holdfast.handle returned')
  return held
}

/**
 * Opens a stream of server-sent events for the session of the request, anonymous or signed in; its `response` is to be
 * returned. Throws as the guards refuse, `csrf-failed` when another site's page made the request, `rate-limited` when
 * too many are open.
 */
export async function startStream(held: WebExchange): Promise<WebEventStream> {
  const exchange = exchangeOf(held)
  return withResponse(await openStream(exchange, openFetchSink))
}

/**
 * The same, and for a visitor who presents nothing a new anonymous session, whose token is the first event,
 * `session_token`, and in the response header, or in the cookie with `{ carrier: 'cookie' }`.
 */
export async function anonymousStream(held: WebExchange, input?: StartAnonymousInput): Promise<WebEventStream> {
  const exchange = exchangeOf(held)
  return withResponse(await openAnonymousStream(exchange, openFetchSink, input))
}
