/**
 * The event log: append-only, in the order of its sequence numbers. It appends on a condition, so that its callers, on
 * however many nodes, can chain each event to the one before by its hash; the log knows nothing of how that is made.
 */
import type { Awaitable, Instant, JsonValue } from './store.ts'

export interface LoggedEvent {
  readonly at: Instant
  readonly kind: string
  readonly data: { readonly [key: string]: JsonValue }
}

export interface ChainedEvent extends LoggedEvent {
  /** Of this event and of what came before it. Up to 128 characters. */
  readonly hash: string
  /** The hash of the event before; what the caller says for the first. Up to 128 characters. */
  readonly previous: string
}

export interface StoredEvent extends ChainedEvent {
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
  /**
   * Appends all or none, in the given order, and only when the latest event has the sequence `after` (0: there is
   * none): of parallel callers that chain to the same event one wins. Returns whether it appended; false changes
   * nothing. Who lost the answer finds its own hash by `last`.
   */
  append(events: readonly ChainedEvent[], after: number): Awaitable<boolean>
  /** The latest event. */
  last(): Awaitable<StoredEvent | undefined>
  /** In ascending sequence. */
  read(query: EventQuery): Awaitable<readonly StoredEvent[]>
  /**
   * Deletes up to `limit` of the oldest events recorded before `before`; returns how many. Never leaves a gap, and
   * never takes the latest event, however old: the next one is chained to it, and sequences never start again.
   */
  sweep(before: Instant, limit: number): Awaitable<number>
}
