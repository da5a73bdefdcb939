/**
 * How many within the last so many minutes, for what must not be doubled around the end of a window.
 *
 * The window is five parts, a counter each; the oldest drops out as a new one begins. What is older than the window
 * never counts, so that nobody is punished for the past; what is counted reaches back four parts at least, so that no
 * stretch of that length holds more than the limit. Parts that are over do not change any more: one atomic addition
 * to the current one decides, with what the others leave as its limit.
 */
import type { Clock } from '../engine/clock.ts'
import type { CounterStore } from '../store/counters.ts'
import type { Awaitable, Instant } from '../store/store.ts'
import { andThen, counting, countingEach } from './counting.ts'

export interface SlidingRule {
  /** At most this many, 1 or more, … */
  readonly most: number
  /** … within this many milliseconds. */
  readonly windowMs: number
}

export type Taken =
  /** `count`: how many the window holds now, this one included. */
  | { readonly allowed: true; readonly count: number }
  /** `retryAt`: the first instant at which one more fits. */
  | { readonly allowed: false; readonly retryAt: Instant }

const parts = 5

/** What is counted under one key. */
export class SlidingCount {
  readonly #counters: CounterStore
  readonly #clock: Clock
  readonly #key: string
  readonly #most: number
  readonly #partMs: number
  /** The names of the latest parts, and which part is the first of them: long strings are made and hashed once. */
  #names: readonly string[] = []
  #namedFor = -1
  /** Parts that were over and empty when last looked at, and stay so. */
  #empty: readonly string[] = []

  constructor(counters: CounterStore, clock: Clock, { most, windowMs }: SlidingRule, key: string) {
    this.#counters = counters
    this.#clock = clock
    this.#key = key
    this.#most = most
    this.#partMs = Math.ceil(windowMs / parts)
  }

  /** Takes one, if there is one left. What is refused is not counted. Throws `store-unavailable`. */
  take(): Awaitable<Taken> {
    const now = this.#clock.now()
    const part = this.#partAt(now)
    const [current = '', ...earlier] = this.#namesFrom(part)
    return andThen(
      countingEach(earlier, (name) => this.#counters.read(name, now)),
      (found) => {
        this.#empty = earlier.filter((_, at) => found[at] === undefined)
        const past = found.map((count) => count?.count ?? 0)
        const atMost = this.#most - sum(past)
        if (atMost < 1) return { allowed: false, retryAt: this.#retryAt(part, past, 0) }
        // It is read until it has dropped out.
        const windowMs = (part + parts) * this.#partMs - now
        return andThen(
          counting(() => this.#counters.add(current, 1, { now, windowMs, atMost })),
          ({ count }): Taken =>
            count <= atMost
              ? { allowed: true, count: sum(past) + count }
              : { allowed: false, retryAt: this.#retryAt(part, past, atMost) },
        )
      },
    )
  }

  /** Forgets what was counted. Throws `store-unavailable`. */
  forget(): Awaitable<unknown> {
    const counted = this.#namesFrom(this.#partAt(this.#clock.now())).filter((name) => !this.#empty.includes(name))
    return countingEach(counted, (name) => this.#counters.reset(name))
  }

  #partAt(now: Instant): number {
    return Math.floor(now / this.#partMs)
  }

  /** Names of the counters of a part and of those before it, latest first. */
  #namesFrom(part: number): readonly string[] {
    if (part !== this.#namedFor) this.#names = indices.map((back) => `${this.#key}:${part - back}`)
    this.#namedFor = part
    return this.#names
  }

  /** When enough of the oldest parts have dropped out for one more. */
  #retryAt(part: number, past: readonly number[], current: number): Instant {
    const counts = [current, ...past]
    let dropped = 1
    while (dropped < parts && sum(counts.slice(0, parts - dropped)) >= this.#most) dropped += 1
    return (part + dropped) * this.#partMs
  }
}

const indices: readonly number[] = Array.from({ length: parts }, (_, back) => back)

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
