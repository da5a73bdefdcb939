/** The event log: append-only, in the order of its sequence numbers. */
import type { Awaitable, Instant, JsonValue } from './store.ts'

export interface LoggedEvent {
  readonly at: Instant
  readonly kind: string
  readonly data: { readonly [key: string]: JsonValue }
}

export interface StoredEvent extends LoggedEvent {
  /** 1 for the first, without gaps. */
  readonly sequence: number
}

export interface EventQuery {
  /** Only events with a greater sequence. Default 0. */
  readonly after?: number
  readonly kind?: string
  /** 1 to 1000. */
  readonly limit: number
}

export interface EventLog {
  /** Appends all or none, in the given order. Returns the sequence of the last. */
  append(events: readonly LoggedEvent[]): Awaitable<number>
  /** In ascending sequence. */
  read(query: EventQuery): Awaitable<readonly StoredEvent[]>
  /** Deletes up to `limit` of the oldest events recorded before `before`; returns how many. Never leaves a gap. */
  sweep(before: Instant, limit: number): Awaitable<number>
}
