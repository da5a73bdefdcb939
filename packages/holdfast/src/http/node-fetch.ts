/** Node's own request and response under a fetch-style server: reading them spares a Headers object per request. */
import type { IncomingMessage, OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { type FinishedResponse, type ReturningCarrier, readRequestBody } from './fetch-carrier.ts'
import { NodeCarrier } from './node.ts'

/** What such a server hands on beside each request: `@hono/node-server` as the second argument, Hono as `c.env`. */
export interface NodePair {
  readonly incoming: IncomingMessage | Http2ServerRequest
  readonly outgoing: ServerResponse | Http2ServerResponse
}

/** The pair, where there is one. */
export function nodePairIn(given: Partial<NodePair> | undefined): NodePair | undefined {
  return given?.incoming === undefined || given.outgoing === undefined ? undefined : (given as NodePair)
}

type HeadArgument = OutgoingHttpHeaders | readonly OutgoingHttpHeader[] | string | undefined
type WriteHead = (status: number, reason?: HeadArgument, headers?: HeadArgument) => ServerResponse

/** The headers with one more, unless they have it, in whatever case. */
function withDefault(headers: OutgoingHttpHeaders | undefined, name: string, value: string): OutgoingHttpHeaders {
  for (const key in headers) if (key.length === name.length && key.toLowerCase() === name) return headers
  return { ...headers, [name]: value }
}

function isRecord(argument: HeadArgument): argument is OutgoingHttpHeaders | undefined {
  return argument === undefined || (typeof argument === 'object' && !Array.isArray(argument))
}

export class NodeFetchCarrier extends NodeCarrier implements ReturningCarrier {
  readonly #outgoing: ServerResponse
  readonly #held: { readonly raw: Request }
  readonly #peer: string | undefined

  /** `held` gives the framework's own request, whose body it is; made only when it is asked for. `peer` goes before the socket's. */
  constructor({ incoming, outgoing }: NodePair, held: { readonly raw: Request }, peer?: string) {
    super(incoming as IncomingMessage, outgoing as ServerResponse)
    this.#outgoing = outgoing as ServerResponse
    this.#held = held
    this.#peer = peer
  }

  override get peer(): string | undefined {
    return this.#peer ?? super.peer
  }

  // These servers send every header in one `writeHead`: one set before would send each of them the slow way.
  override setDefault(name: string, value: string): void {
    const outgoing = this.#outgoing
    const writeHead = outgoing.writeHead as WriteHead
    outgoing.writeHead = ((status: number, reason?: HeadArgument, headers?: HeadArgument) => {
      // An app may also answer by Node's response itself, in any of its ways.
      if (outgoing.hasHeader(name)) return writeHead.call(outgoing, status, reason, headers)
      if (headers === undefined && isRecord(reason)) return writeHead.call(outgoing, status, withDefault(reason, name, value))
      outgoing.setHeader(name, value)
      return writeHead.call(outgoing, status, reason, headers)
    }) as ServerResponse['writeHead']
  }

  // Reading the body from under the framework's request would leave both with half of it.
  override readBody(limit: number): Promise<Uint8Array | null | undefined> {
    return readRequestBody(this.#held.raw, limit)
  }

  /** As it is: what the session changed is on Node's response, whatever is sent by it. */
  finish(response: Response): FinishedResponse {
    return response as FinishedResponse
  }
}
