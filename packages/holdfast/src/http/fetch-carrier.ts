/** A request of the fetch standard, and what is to be put on its response. */
import { type Carrier, type RequestHeaders, readHeaders } from './carrier.ts'
import { withCookieLine } from './cookies.ts'

declare const finished: unique symbol
/**
 * A response that carries what the session changed. A handler declared to return this cannot forget `finish`,
 * and with it the `Set-Cookie` lines of a sign-in: the compiler says so.
 */
export type FinishedResponse = Response & { readonly [finished]: true }

/** A request whose answer is returned as a response. */
export interface ReturningCarrier extends Carrier {
  /** The response with the session's headers and cookies, beside its own. */
  finish(response: Response): FinishedResponse
}

/** Looks a header up when it is read: a look-up costs a microsecond, and most requests are judged by four of them. */
class LazyHeaders {
  readonly #headers: Headers

  constructor(headers: Headers) {
    this.#headers = headers
  }

  static {
    for (const name of readHeaders) {
      Object.defineProperty(LazyHeaders.prototype, name, {
        get(this: LazyHeaders): string | undefined {
          return this.#headers.get(name) ?? undefined
        },
      })
    }
  }
}

/** Most requests set one header, or none: a map is made when there is something to put into it. */
type Lines = Map<string, string> | undefined

const nothing: ReadonlyMap<string, string> = new Map()

/** The body of a request; `undefined` when there is none or it was read, `null` when it is longer than `limit` bytes. */
export async function readRequestBody({ body, bodyUsed }: Request, limit: number): Promise<Uint8Array | null | undefined> {
  if (body === null || bodyUsed) return undefined
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > limit) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

export class FetchCarrier implements ReturningCarrier {
  readonly #request: Request
  #defaults: Lines = undefined
  #set: Lines = undefined
  #cookies: Lines = undefined
  readonly peer: string | undefined
  readonly headers: RequestHeaders

  constructor(request: Request, peer: string | undefined) {
    this.#request = request
    this.peer = peer
    this.headers = new LazyHeaders(request.headers) as RequestHeaders
  }

  get method(): string {
    return this.#request.method
  }

  get target(): string {
    const { url } = this.#request
    const path = url.indexOf('/', url.indexOf('//') + 2)
    return path === -1 ? '/' : url.slice(path)
  }

  get encrypted(): boolean {
    return this.#request.url.startsWith('https:')
  }

  get host(): string | undefined {
    return this.headers.host ?? new URL(this.#request.url).host
  }

  get authorization(): string | undefined {
    return this.#request.headers.get('authorization') ?? undefined
  }

  setDefault(name: string, value: string): void {
    this.#defaults ??= new Map()
    this.#defaults.set(name, value)
  }

  setHeader(name: string, value: string): void {
    this.#set ??= new Map()
    this.#set.set(name, value)
  }

  setCookie(name: string, line: string): void {
    this.#cookies ??= new Map()
    this.#cookies.set(name, line)
  }

  readBody(limit: number): Promise<Uint8Array | null | undefined> {
    return readRequestBody(this.#request, limit)
  }

  finish(response: Response): FinishedResponse {
    const onlyDefaults = this.#set === undefined && this.#cookies === undefined
    if (onlyDefaults && this.#addDefaults(response)) return response as FinishedResponse
    // A copy: an app may answer many requests with one response, and what is set here is for this client alone.
    const sent = new Response(response.body, response)
    this.#addDefaults(sent)
    for (const [name, value] of this.#set ?? nothing) sent.headers.set(name, value)
    if (this.#cookies === undefined) return sent as FinishedResponse
    let lines = sent.headers.getSetCookie()
    for (const [name, line] of this.#cookies) lines = withCookieLine(lines, name, line)
    sent.headers.delete('set-cookie')
    for (const line of lines) sent.headers.append('set-cookie', line)
    return sent as FinishedResponse
  }

  /** False when these headers cannot be changed, as those of a response that `fetch` gave. */
  #addDefaults(response: Response): boolean {
    if (this.#defaults === undefined) return true
    try {
      const { headers } = response
      for (const [name, value] of this.#defaults) if (!headers.has(name)) headers.set(name, value)
      return true
    } catch {
      return false
    }
  }
}
