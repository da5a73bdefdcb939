/** One-time artefacts: things spent exactly once, such as a stream ticket or a proof's nonce. */
import type { Awaitable, Instant, JsonValue } from './store.ts'

export interface Ticket {
  /** Digest of the secret that the holder presents, never the secret. 1 to 128 characters. */
  readonly id: string
  readonly expiresAt: Instant
  readonly data: JsonValue
}

export interface TicketStore {
  /** Returns false when a ticket of this id exists already, expired or not; the first stays. */
  put(ticket: Ticket): Awaitable<boolean>
  /** Removes and returns it in one step: of parallel callers one wins. Expired at `now`: removed, `undefined`. */
  take(id: string, now: Instant): Awaitable<Ticket | undefined>
  /** Deletes up to `limit` tickets that expired at or before `now`; returns how many. */
  sweep(now: Instant, limit: number): Awaitable<number>
}
