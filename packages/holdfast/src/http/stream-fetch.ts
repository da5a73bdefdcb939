/** Streams for handlers that return their response. */
import type { Attributes } from '../store/store.ts'
import type { OpenSink } from './sink.ts'
import { FetchSink } from './sink-fetch.ts'
import type { OpenedStream } from './sse.ts'
import type { EventStream } from './stream.ts'

/** An open stream, and the response that carries it. */
export interface WebEventStream<A extends Attributes = Attributes> extends EventStream<A> {
  /** To be returned by the handler, whose events may come before and after. */
  readonly response: Response
}

export const openFetchSink: OpenSink<FetchSink> = (headers, receiver) => new FetchSink(headers, receiver)

function carrying<A extends Attributes>(stream: EventStream<A>, response: Response): WebEventStream<A> {
  return Object.assign(stream, { response })
}

export function withResponse<A extends Attributes>({ stream, sink }: OpenedStream<FetchSink, A>): WebEventStream<A> {
  return carrying(stream, sink.response)
}

/** For Hono's Node server, which is told by this header that the answer is under way already. */
export function withAnswered<A extends Attributes>(stream: EventStream<A>): WebEventStream<A> {
  return carrying(stream, new Response(null, { headers: { 'x-hono-already-sent': 'true' } }))
}
