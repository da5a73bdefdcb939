/**
 * The budget of failed attempts of one key: so many within a sliding window, then a lock. An attempt is counted before
 * its password is looked at, so that no number of attempts at once gets more tries than the budget; a success takes the
 * count back.
 */
import type { Clock } from '../engine/clock.ts'
import type { Count, CounterStore } from '../store/counters.ts'
import type { Awaitable, Instant } from '../store/store.ts'
import { andThen, counting, countingEach } from './counting.ts'
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
  readonly key: string
  /** The counter that is its lock. */
  readonly lock: string
  readonly #counters: CounterStore
  readonly #clock: Clock
  readonly #rule: BudgetRule
  readonly #failures: SlidingCount

  constructor(counters: CounterStore, clock: Clock, rule: BudgetRule, key: string) {
    this.key = key
    this.lock = lockPrefix + key
    this.#counters = counters
    this.#clock = clock
    this.#rule = rule
    this.#failures = new SlidingCount(counters, clock, { most: rule.failures, windowMs: rule.windowMs }, failurePrefix + key)
  }

  take(): Awaitable<Taken> {
    return this.#failures.take()
  }

  /**
   * Records that the attempt taken as number `count` failed. Returns whether it was the one that locks. The lock is
   * there before the failures are forgotten: whoever counts anew after that sees it.
   */
  async failed(count: number): Promise<boolean> {
    if (count < this.#rule.failures) return false
    await addLock(this.#counters, this.lock, this.#clock.now(), this.#rule.lockMs)
    await this.#failures.forget()
    return true
  }

  forgive(): Awaitable<unknown> {
    return andThen(
      counting(() => this.#counters.reset(this.lock)),
      () => this.#failures.forget(),
    )
  }
}

/** A lock is a counter whose window is its length; adding to it again does not make it longer. */
export function addLock(counters: CounterStore, lock: string, now: Instant, windowMs: number): Awaitable<Count> {
  return counting(() => counters.add(lock, 1, { now, windowMs, atMost: 1 }))
}

/** When the longest of these locks ends; `undefined` when none holds. */
export function lockedUntil(counters: CounterStore, locks: readonly string[], now: Instant): Awaitable<Instant | undefined> {
  return andThen(
    countingEach(locks, (lock) => counters.read(lock, now)),
    (found) => {
      let latest: Instant | undefined
      for (const lock of found) if (lock !== undefined) latest = Math.max(lock.resetsAt, latest ?? 0)
      return latest
    },
  )
}
