/** Node's own request and response under a fetch-style framework: reading them spares a Headers object per request. */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { FetchCarrier } from './fetch.ts'
import { NodeCarrier } from './node.ts'

/** What such a framework's Node server hands on. */
export interface NodePair {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
}

type WriteHead = (status: number, headers?: OutgoingHttpHeaders) => ServerResponse

/** The headers with one more, unless they have it, in whatever case. */
function withDefault(headers: OutgoingHttpHeaders | undefined, name: string, value: string): OutgoingHttpHeaders {
  for (const key in headers) if (key.length === name.length && key.toLowerCase() === name) return headers
  return { ...headers, [name]: value }
}

export class NodeFetchCarrier extends NodeCarrier {
  readonly #outgoing: ServerResponse
  readonly #held: { readonly raw: Request }

  /** `held` gives the framework's own request, whose body it is; made only when it is asked for. */
  constructor({ incoming, outgoing }: NodePair, held: { readonly raw: Request }) {
    super(incoming, outgoing)
    this.#outgoing = outgoing
    this.#held = held
  }

  // These servers send every header in one `writeHead`: one set before would send each of them the slow way.
  override setDefault(name: string, value: string): void {
    const outgoing = this.#outgoing
    const writeHead = outgoing.writeHead as WriteHead
    outgoing.writeHead = ((status: number, headers?: OutgoingHttpHeaders) =>
      writeHead.call(outgoing, status, withDefault(headers, name, value))) as ServerResponse['writeHead']
  }

  // Reading the body from under the framework's request would leave both with half of it.
  override readBody(limit: number): Promise<Uint8Array | null | undefined> {
    return new FetchCarrier(this.#held.raw, {}).readBody(limit)
  }
}
