/** Requests and responses of the fetch standard: Next.js, Deno, Bun, workers, and Hono's Node server. */
import { invalidField } from '../engine/errors.ts'
import type { Attributes, Awaitable } from '../store/store.ts'
import type { HttpCore } from './core.ts'
import { Exchange } from './exchange.ts'
import { FetchCarrier, type FinishedResponse, type ReturningCarrier } from './fetch-carrier.ts'
import { enter } from './gate.ts'
import { NodeFetchCarrier, type NodePair, nodePairIn } from './node-fetch.ts'
import type { Answer } from './problem.ts'
import type { HoldfastRequest } from './request.ts'

/**
 * What the server tells of a connection. What `@hono/node-server` hands to its handler is passed on as it is: then the
 * address is known, headers are read and set without objects made for them, and cookies go out with whatever response is sent.
 */
export interface ConnectionInfo extends Partial<NodePair> {
  /** Address at the other end of the connection: the proxy's, if there is one. Without it plain http is refused, also on loopback. */
  readonly ip?: string | undefined
}

export function responseOf(answer: Answer, method: string): Response {
  return new Response(method === 'HEAD' ? null : answer.body, { status: answer.status, headers: answer.headers })
}

/** One fetch-style request, opened. */
export interface WebExchange<A extends Attributes = Attributes> extends HoldfastRequest<A> {
  /** Present when Holdfast answers itself (a mounted route, a refused request): return it as it is. */
  readonly response: FinishedResponse | undefined
  /** The app's response with what the session changed. Every response of the app goes through here. */
  finish(response: Response): FinishedResponse
}

export class FetchExchange<A extends Attributes = Attributes> extends Exchange<A> implements WebExchange<A> {
  readonly #returning: ReturningCarrier
  #response: FinishedResponse | undefined = undefined

  constructor(core: HttpCore<A>, carrier: ReturningCarrier) {
    super(core, carrier)
    this.#returning = carrier
  }

  get response(): FinishedResponse | undefined {
    return this.#response
  }

  finish(response: Response): FinishedResponse {
    return this.#returning.finish(response)
  }

  answer(answer: Answer): FinishedResponse {
    this.#response = this.finish(responseOf(answer, this.carrier.method))
    return this.#response
  }
}

function answered<A extends Attributes>(exchange: FetchExchange<A>, answer: Answer | undefined): FetchExchange<A> {
  if (answer !== undefined) exchange.answer(answer)
  return exchange
}

function carrierOf(request: Request, info: ConnectionInfo): ReturningCarrier {
  // By a method that Node's own request does not have; its headers may be made only when they are asked for.
  if (typeof request !== 'object' || request === null || !('clone' in request)) {
    throw invalidField('request', 'must be a Request of the fetch standard')
  }
  // Bun's `requestIP` gives an object, for instance, whose `address` is meant.
  const isInfo = typeof info === 'object' && info !== null && (info.ip === undefined || typeof info.ip === 'string')
  if (!isInfo) throw invalidField('info', 'must be an object, its ip text')
  const pair = nodePairIn(info)
  return pair === undefined ? new FetchCarrier(request, info.ip) : new NodeFetchCarrier(pair, { raw: request }, info.ip)
}

/** At once, without a promise, when this node has verified the credential before. */
export function openFetch<A extends Attributes>(
  core: HttpCore<A>,
  request: Request,
  info: ConnectionInfo = {},
): Awaitable<FetchExchange<A>> {
  const exchange = new FetchExchange(core, carrierOf(request, info))
  const entering = enter(exchange)
  return entering instanceof Promise ? entering.then((answer) => answered(exchange, answer)) : answered(exchange, entering)
}
