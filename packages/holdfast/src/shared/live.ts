/** What live connections say on the wire: SSE event names and WebSocket close codes. */
import type { RevocationReason } from './codes.ts'

/** Events that Holdfast writes into a stream; an app's own events have other names. */
export const streamEvents = { token: 'session_token', ended: 'session_ended' } as const

/** 4401: the session has ended, sign in again. The others of RFC 6455: connect again, at once or later. */
export const closeCodes = { sessionEnded: 4401, goingAway: 1001, tryAgainLater: 1013 } as const

/** Put before a ticket, it is one of the protocols that a WebSocket is opened with, beside the app's own. */
export const ticketProtocol = 'holdfast.ticket.'

/** Data of `session_token`, the first event of an anonymous visitor's stream that a header authenticates. */
export interface SessionTokenWire {
  readonly session: string
  /** What to send as `X-Anon-Session-Token` from now on. */
  readonly token: string
  /** False when this stream started the session. */
  readonly resumed: boolean
}

/** Why a session ended, as its open connections are told. */
export type SessionEndReason = RevocationReason | 'expired'

/** Data of `session_ended`, the last event of a stream whose session ended. */
export interface SessionEndedWire {
  readonly reason: SessionEndReason
}

/** `POST /auth/ticket`: opens one connection within the time that is left, as this session. */
export interface TicketWire {
  readonly ticket: string
  /** ISO 8601. */
  readonly expiresAt: string
}
