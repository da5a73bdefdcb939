/** A request and its response as Holdfast needs them. Each adapter implements it; nothing else knows a framework. */

/** Every request header that is read, anywhere. */
export const readHeaders = [
  'authorization',
  'content-type',
  'cookie',
  'forwarded',
  'host',
  'last-event-id',
  'origin',
  'sec-fetch-site',
  'sec-websocket-protocol',
  'user-agent',
  'x-anon-session-token',
  'x-csrf-token',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
] as const

/**
 * Headers by lower-case name, repeated ones joined as the server joins them. An object with known names, and Node's
 * own object at that: looking nine names up through a function costs more than checking the session.
 */
export type RequestHeaders = { readonly [Name in (typeof readHeaders)[number]]?: string | undefined }

export interface Carrier {
  /** Upper case, as received. */
  readonly method: string
  /** Path and query as received, before any router rewrote them. */
  readonly target: string
  /** Whether this connection itself is TLS; what a proxy says is judged elsewhere. */
  readonly encrypted: boolean
  /** Address at the other end of the connection; `undefined` when the server does not tell. */
  readonly peer: string | undefined
  /** The `Host` header, or `:authority` of HTTP/2. */
  readonly host: string | undefined
  readonly headers: RequestHeaders
  /** `Authorization`, all of it where it was sent more than once, joined by a comma and a space; in `headers` it may be the first alone. */
  readonly authorization: string | undefined
  /** Sets a header of the response that the app's own one of this name replaces. */
  setDefault(name: string, value: string): void
  /** Sets a header of the response, whoever sends it in the end. */
  setHeader(name: string, value: string): void
  /** Puts a `Set-Cookie` line on the response, in place of an earlier one of this name, beside the app's own. */
  setCookie(name: string, line: string): void
  /** The request body; `undefined` when there is none, `null` when it is longer than `limit` bytes. */
  readBody(limit: number): Promise<Uint8Array | null | undefined>
}
