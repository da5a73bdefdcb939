/** The denylist: what kills tokens that no record stands for, such as an app's own JWTs, until they would expire. */
import type { Awaitable, Instant } from './store.ts'

export interface Denial {
  /** What is denied, 1 to 200 characters: `jti:…`, `digest:…`, `subject:…`, `everything`. Never a token itself. */
  readonly key: string
  /** Tokens issued before this instant; null: whatever their age, which counts as the latest of all. */
  readonly before: Instant | null
  /** From this instant on it says nothing: every token that it is for has expired by then. */
  readonly expiresAt: Instant
}

export interface Denylist {
  /**
   * Adds a denial. Of several for one key the later `before` and the later `expiresAt` stand, each by itself, in one
   * atomic step: idempotent and order-free, so that it may be repeated, delayed or sent from several nodes. Never
   * lifts anything, also when what stands has expired. Durable: see `Revoked`.
   */
  put(denial: Denial): Awaitable<{ readonly durable: boolean }>
  /**
   * Those of `keys` (up to 8) that run at `now`, in any order, in one round trip. It answers from where writes go,
   * never from a copy that may be behind: an absent denial lets a token in.
   */
  find(keys: readonly string[], now: Instant): Awaitable<readonly Denial[]>
  /** Deletes up to `limit` denials that expired at or before `now`; returns how many. */
  sweep(now: Instant, limit: number): Awaitable<number>
}
