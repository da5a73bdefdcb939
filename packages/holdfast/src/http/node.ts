/** Requests and responses of `node:http` (and what is built on it: Express, Fastify, Hono's node server). */
import type { IncomingMessage, OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Carrier, RequestHeaders } from './carrier.ts'
import { withCookieLine } from './cookies.ts'
import type { Answer } from './problem.ts'

type HeaderArgument = OutgoingHttpHeaders | readonly OutgoingHttpHeader[] | undefined

function linesOf(header: OutgoingHttpHeader | undefined): string[] {
  if (header === undefined) return []
  return Array.isArray(header) ? header : [String(header)]
}

function pairsOf(headers: HeaderArgument): (readonly [string, OutgoingHttpHeader])[] {
  if (headers === undefined) return []
  if (!Array.isArray(headers)) {
    return Object.entries(headers as OutgoingHttpHeaders).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
  }
  if (Array.isArray(headers[0])) return headers as unknown as [string, OutgoingHttpHeader][]
  const pairs: [string, OutgoingHttpHeader][] = []
  for (let at = 0; at + 1 < headers.length; at += 2) pairs.push([String(headers[at]), headers[at + 1] as OutgoingHttpHeader])
  return pairs
}

/** What `writeHead` does with its headers, done before it: they take the place of those set before. */
function setGiven(response: ServerResponse, headers: HeaderArgument): void {
  const pairs = pairsOf(headers)
  for (const [name] of pairs) response.removeHeader(name)
  for (const [name, value] of pairs) {
    const text = typeof value === 'number' ? String(value) : value
    response.appendHeader(name, text)
  }
}

/**
 * The response's headers that the session needs, put on it when it is asked and once more as it is sent: an app
 * that sets its own cookies afterwards, by `setHeader` or in any form of `writeHead`, must not drop the session's.
 */
class SessionHeaders {
  readonly #response: ServerResponse
  readonly #headers: Map<string, string> = new Map()
  readonly #cookies: Map<string, string> = new Map()

  constructor(response: ServerResponse) {
    this.#response = response
    const writeHead = response.writeHead.bind(response)
    response.writeHead = ((status: number, reason?: string | HeaderArgument, headers?: HeaderArgument) => {
      // Node takes the headers from the second place too when the third is empty.
      setGiven(response, typeof reason === 'string' ? headers : (headers ?? reason))
      this.#apply()
      return typeof reason === 'string' ? writeHead(status, reason) : writeHead(status)
    }) as ServerResponse['writeHead']
  }

  setHeader(name: string, value: string): void {
    this.#headers.set(name, value)
    this.#apply()
  }

  setCookie(name: string, line: string): void {
    this.#cookies.set(name, line)
    this.#apply()
  }

  #apply(): void {
    for (const [name, value] of this.#headers) this.#response.setHeader(name, value)
    if (this.#cookies.size === 0) return
    let lines = linesOf(this.#response.getHeader('set-cookie'))
    for (const [name, line] of this.#cookies) lines = withCookieLine(lines, name, line)
    this.#response.setHeader('set-cookie', lines)
  }
}

/** What body parsers and routers add to a request. */
interface Extended {
  readonly body?: unknown
  readonly originalUrl?: string
}

export class NodeCarrier implements Carrier {
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  #set: SessionHeaders | undefined = undefined

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request
    this.#response = response
  }

  get method(): string {
    return this.#request.method ?? 'GET'
  }

  get target(): string {
    return (this.#request as Extended).originalUrl ?? this.#request.url ?? '/'
  }

  get encrypted(): boolean {
    return (this.#request.socket as { readonly encrypted?: boolean }).encrypted === true
  }

  get peer(): string | undefined {
    return this.#request.socket.remoteAddress
  }

  get host(): string | undefined {
    const { headers } = this.#request
    return headers.host ?? (headers[':authority'] as string | undefined)
  }

  get headers(): RequestHeaders {
    // Node types any header as maybe a list; only Set-Cookie ever is one.
    return this.#request.headers as RequestHeaders
  }

  get authorization(): string | undefined {
    return authorizationOf(this.#request)
  }

  setDefault(name: string, value: string): void {
    if (!this.#response.hasHeader(name)) this.#response.setHeader(name, value)
  }

  setHeader(name: string, value: string): void {
    this.#set ??= new SessionHeaders(this.#response)
    this.#set.setHeader(name, value)
  }

  setCookie(name: string, line: string): void {
    this.#set ??= new SessionHeaders(this.#response)
    this.#set.setCookie(name, line)
  }

  readBody(limit: number): Promise<Uint8Array | null | undefined> {
    const { body } = this.#request as Extended
    if (body !== undefined) return Promise.resolve(bytesOfParsed(body, limit))
    return this.#request.readableEnded ? Promise.resolve(undefined) : readStream(this.#request, limit)
  }
}

/** By the usual spellings first: making a lower-case copy of each costs more than all the rest. */
function isAuthorization(name = ''): boolean {
  return name === 'Authorization' || name === 'authorization' || (name.length === 13 && name.toLowerCase() === 'authorization')
}

/**
 * All of a request's `Authorization`. Of several Node tells the first and drops the others, while a proxy in front may have gone by
 * another (RFC 9110 5.3 allows one).
 */
export function authorizationOf({ headers: { authorization }, rawHeaders }: IncomingMessage): string | undefined {
  let count = 0
  for (let at = 0; at < rawHeaders.length; at += 2) if (isAuthorization(rawHeaders[at])) count += 1
  if (count < 2) return authorization
  const lines = rawHeaders.filter((_, at) => at % 2 === 1 && isAuthorization(rawHeaders[at - 1]))
  // What a middleware before ours put in its place is what counts.
  return lines[0] === authorization ? lines.join(', ') : authorization
}

function bytesOfParsed(body: unknown, limit: number): Uint8Array | null {
  const bytes = body instanceof Uint8Array ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  return bytes.length > limit ? null : bytes
}

/** Counts what arrives: what `Content-Length` announces is the sender's to choose (CVE-2025-59139). */
function readStream(stream: IncomingMessage, limit: number): Promise<Uint8Array | null> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    let length = 0
    const settle = (done: () => void) => {
      stream.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose)
      done()
    }
    const onData = (chunk: Uint8Array) => {
      length += chunk.length
      if (length > limit) settle(() => resolve(null))
      else chunks.push(chunk)
    }
    const onEnd = () => settle(() => resolve(Buffer.concat(chunks)))
    const onError = (error: Error) => settle(() => reject(error))
    const onClose = () => settle(() => reject(new Error('the connection closed before the body was complete')))
    stream.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose)
  })
}

/** Sends an answer of ours. Content length is left to Node: it knows it, and leaves the body out for HEAD. */
export function sendAnswer(response: ServerResponse, answer: Answer): void {
  response.statusCode = answer.status
  for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value)
  // Too much arrived: the rest of it must not be read as the next request.
  if (answer.status === 413) response.setHeader('connection', 'close')
  response.end(answer.body ?? undefined)
}
