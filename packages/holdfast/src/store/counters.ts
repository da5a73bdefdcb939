/** Counters for lockout and limits: shared by every node, bounded in number, gone when their window ends. */
import type { Awaitable, Instant } from './store.ts'

export interface Count {
  readonly count: number
  /** When this counter starts again from nothing. */
  readonly resetsAt: Instant
}

export interface CounterStore {
  /**
   * Adds `amount` (an integer, 1 or more) in one atomic step and returns the count after it. A counter that does
   * not exist, or whose window ended at or before `now`, starts at 0 with a window of `windowMs` from `now`; a
   * running window is not extended. With `atMost` the count never passes it: the result is then `atMost + 1`,
   * stored as `atMost`, and means "refused".
   */
  add(
    key: string,
    amount: number,
    window: { readonly now: Instant; readonly windowMs: number; readonly atMost?: number },
  ): Awaitable<Count>
  /** The running count; `undefined` when there is none at `now`. */
  read(key: string, now: Instant): Awaitable<Count | undefined>
  /** Forgets the counter. Returns whether there was one. */
  reset(key: string): Awaitable<boolean>
  /** Counters whose key starts with `prefix` and that run at `now`, by key; at most `limit`. */
  list(prefix: string, now: Instant, limit: number): Awaitable<readonly (Count & { readonly key: string })[]>
  /** Deletes up to `limit` counters whose window ended at or before `now`; returns how many. */
  sweep(now: Instant, limit: number): Awaitable<number>
}
