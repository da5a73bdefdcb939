/** Opening event streams (SSE): for one session, from our own pages, within the caps. */
import { isUnsafeMethod } from '../defence/csrf.ts'
import { HoldfastError } from '../engine/errors.ts'
import type { Session } from '../engine/session.ts'
import { deadReasons } from '../shared/codes.ts'
import { type SessionTokenWire, streamEvents } from '../shared/live.ts'
import { anonymousTokenHeader } from '../shared/names.ts'
import type { Attributes } from '../store/store.ts'
import type { StartAnonymousInput } from './changes.ts'
import { isAnonymousToken } from './credentials.ts'
import type { Exchange } from './exchange.ts'
import type { OpenSink, Sink } from './sink.ts'
import { eventText } from './sse-text.ts'
import { type EventStream, Stream } from './stream.ts'

/** No cache may keep a stream, no proxy gather or compress it. */
const streamHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/event-stream; charset=utf-8',
  'x-accel-buffering': 'no',
  'x-content-type-options': 'nosniff',
  vary: 'Cookie, Authorization',
}

/** Another page must not open a stream with a visitor's cookie, nor make visitors by the thousand. */
function checkRequest<A extends Attributes>(exchange: Exchange<A>): void {
  const { method } = exchange.carrier
  // Routers answer HEAD by the handler of GET: the stream would have no body, and no end.
  if (method !== 'GET' && !isUnsafeMethod(method)) throw new HoldfastError('method-not-allowed')
  const detail = exchange.sourceProblem()
  if (detail !== undefined) throw new HoldfastError('csrf-failed', { detail })
  exchange.requireTransport()
}

function refusalOf<A extends Attributes>({ verdict, credential }: Exchange<A>): HoldfastError {
  if (verdict.status === 'unknown') return new HoldfastError(verdict.code, { retryAfter: verdict.retryAfter })
  // One answer for every wrong visitor's token: whether the session exists is nobody's business.
  if (credential.token !== null && isAnonymousToken(credential.token)) return new HoldfastError('anonymous-token-invalid')
  if (credential.source === 'anonymous-header') return new HoldfastError('anonymous-token-invalid')
  return new HoldfastError(verdict.status === 'dead' ? deadReasons[verdict.reason] : 'session-required')
}

function lastEventId<A extends Attributes>({ core, carrier }: Exchange<A>, session: Session<A>): string | null {
  const given = carrier.headers['last-event-id']
  return given === undefined ? null : (core.engine.eventNameOf(session.id, given) ?? null)
}

interface Starting<A extends Attributes> {
  readonly session: Session<A>
  readonly started: boolean
  /** The visitor's token, where a header carries it. */
  readonly token: string | null
}

function begin<A extends Attributes, S extends Sink>(
  exchange: Exchange<A>,
  open: OpenSink<S>,
  { session, started, token }: Starting<A>,
): { readonly stream: EventStream<A>; readonly sink: S } {
  const { core, context, carrier } = exchange
  const source = core.live.admit(session.id, context.ip)
  const stream = new Stream(core, { session, started, lastEventId: lastEventId(exchange, session), source })
  try {
    carrier.setHeader('cache-control', 'no-store, no-transform')
    if (token !== null) carrier.setHeader(anonymousTokenHeader, token)
    const sink = open(streamHeaders, stream)
    const told: SessionTokenWire | null = token === null ? null : { session: session.id, token, resumed: !started }
    stream.begin(sink, told === null ? '' : eventText({ ...told }, streamEvents.token))
    return { stream, sink }
  } catch (fault) {
    core.live.release(session.id, source)
    throw fault
  }
}

function tokenOf<A extends Attributes>({ credential }: Exchange<A>): string | null {
  return credential.source === 'anonymous-header' ? credential.token : null
}

export interface OpenedStream<S extends Sink, A extends Attributes = Attributes> {
  readonly stream: EventStream<A>
  readonly sink: S
}

/** A stream for the session of the request, anonymous or signed in. */
export async function openStream<A extends Attributes, S extends Sink>(
  exchange: Exchange<A>,
  open: OpenSink<S>,
): Promise<OpenedStream<S, A>> {
  checkRequest(exchange)
  const { session } = exchange
  if (session === null) throw refusalOf(exchange)
  return begin(exchange, open, { session, started: false, token: tokenOf(exchange) })
}

/**
 * The same, and for a request that presents nothing a new anonymous session. What is presented and wrong is refused:
 * whoever was signed in must not go on as somebody else unnoticed.
 */
export async function openAnonymousStream<A extends Attributes, S extends Sink>(
  exchange: Exchange<A>,
  open: OpenSink<S>,
  input: StartAnonymousInput<A> = {},
): Promise<OpenedStream<S, A>> {
  checkRequest(exchange)
  if (exchange.session === null && exchange.credential.source === 'none' && exchange.verdict.status === 'dead') {
    // Asked first: a session that no stream can be opened for must not be stored.
    exchange.core.live.checkRoom(exchange.context.ip)
    const { session, token, started } = await exchange.startAnonymous(input)
    return begin(exchange, open, { session, started, token })
  }
  return openStream(exchange, open)
}
