/** JSON shapes shared by the server, the browser client and the console. Times are ISO 8601 in UTC. */
import type { ProblemCode, RevocationReason } from './codes.ts'

export interface SessionWire {
  /** Public name of the session; knowing it gives no right. */
  readonly id: string
  /** Null for an anonymous visitor. */
  readonly subject: string | null
  /** Whether this is the session that the request came with. */
  readonly current: boolean
  /** Readable device name, such as `Firefox on Linux`. */
  readonly label: string
  /** Address of the latest recorded activity. */
  readonly ip: string | null
  readonly createdAt: string
  readonly seenAt: string
  readonly idleExpiresAt: string
  readonly absoluteExpiresAt: string
  /** Authentication methods, RFC 8176 names where one exists. */
  readonly amr: readonly string[]
  /** `local`, or `proxy:` and the upstream's name. */
  readonly origin: string
  readonly revokedAt?: string
  readonly reason?: RevocationReason
}

/** `GET /auth/session`: the session with what its own page needs. */
export interface CurrentSessionWire {
  readonly session: SessionWire
  readonly csrfToken: string
  readonly elevatedUntil?: string
}

/** Tokens as they are handed to a client, in the words of RFC 6749 section 5.1. */
export interface TokenPairWire {
  readonly access_token: string
  readonly token_type: 'Bearer'
  /** Seconds. */
  readonly expires_in: number
  /** Absent where a cookie carries it. */
  readonly refresh_token?: string
}

export interface TokensWire extends TokenPairWire {
  readonly session: SessionWire
}

export interface PageWire<T> {
  readonly items: readonly T[]
  /** Cursor of the following page; absent on the last. */
  readonly next?: string
}

export interface FieldProblem {
  /** Path of the field, `/`-less and dotted: `password`, `filter.limit`. */
  readonly field: string
  readonly message: string
}

/** Problem document (RFC 9457) with a stable `code`. */
export interface ProblemWire {
  readonly type: 'about:blank'
  readonly title: string
  readonly status: number
  readonly code: ProblemCode
  readonly detail?: string
  readonly errors?: readonly FieldProblem[]
}
