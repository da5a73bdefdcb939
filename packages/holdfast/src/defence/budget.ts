/**
 * The budget of failed attempts of one key: so many within a sliding window, then a lock. An attempt is counted before
 * its password is looked at, so that no number of attempts at once gets more tries than the budget; a success takes the
 * count back.
 */
import type { Clock } from '../engine/clock.ts'
import type { Count, CounterStore } from '../store/counters.ts'
import type { Awaitable, Instant } from '../store/store.ts'
import { counting, countingEach } from './counting.ts'
import { SlidingCount, type Taken } from './sliding.ts'

export interface BudgetRule {
  /** Failures … */
  readonly failures: number
  /** … within this many milliseconds … */
  readonly windowMs: number
  /** … lock for this many. */
  readonly lockMs: number
}

/** Under these prefixes stand the locks that hold; what follows names whose. */
export const lockPrefix = 'lockout:lock:'
const failurePrefix = 'lockout:failures:'

export class FailureBudget {
  readonly #counters: CounterStore
  readonly #clock: Clock
  readonly #rule: BudgetRule
  readonly #failures: SlidingCount

  constructor(counters: CounterStore, clock: Clock, rule: BudgetRule) {
    this.#counters = counters
    this.#clock = clock
    this.#rule = rule
    this.#failures = new SlidingCount(counters, clock, { most: rule.failures, windowMs: rule.windowMs })
  }

  take(key: string): Promise<Taken> {
    return this.#failures.take(failurePrefix + key)
  }

  /**
   * Records that the attempt taken as number `count` failed. Returns whether it was the one that locks. The lock is
   * there before the failures are forgotten: whoever counts anew after that sees it.
   */
  async failed(key: string, count: number): Promise<boolean> {
    if (count < this.#rule.failures) return false
    await addLock(this.#counters, key, this.#clock.now(), this.#rule.lockMs)
    await this.#failures.forget(failurePrefix + key)
    return true
  }

  async forgive(key: string): Promise<void> {
    await counting(() => this.#counters.reset(lockPrefix + key))
    await this.#failures.forget(failurePrefix + key)
  }
}

/** A lock is a counter whose window is its length; adding to it again does not make it longer. */
export function addLock(counters: CounterStore, key: string, now: Instant, windowMs: number): Awaitable<Count> {
  return counting(() => counters.add(lockPrefix + key, 1, { now, windowMs, atMost: 1 }))
}

/** When the longest of these locks ends; `undefined` when none holds. */
export async function lockedUntil(counters: CounterStore, keys: readonly string[], now: Instant): Promise<Instant | undefined> {
  const found = await countingEach(keys, (key) => counters.read(lockPrefix + key, now))
  const ends = found.flatMap((lock) => (lock === undefined ? [] : [lock.resetsAt]))
  return ends.length === 0 ? undefined : Math.max(...ends)
}
