/**
 * How many within the last so many minutes, for what must not be doubled around the end of a window.
 *
 * The window is five parts, a counter each; the oldest drops out as a new one begins. What is older than the window
 * never counts, so that nobody is punished for the past; what is counted reaches back four parts at least, so that no
 * stretch of that length holds more than the limit. Parts that are over do not change any more: one atomic addition
 * to the current one decides, with what the others leave as its limit.
 */
import type { Clock } from '../engine/clock.ts'
import type { Count, CounterStore } from '../store/counters.ts'
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
const earlier: readonly number[] = [1, 2, 3, 4]
const all: readonly number[] = [0, ...earlier]

/** What is counted under one key. */
export class SlidingCount {
  readonly #counters: CounterStore
  readonly #clock: Clock
  readonly #most: number
  readonly #partMs: number
  /** A counter ends as the fifth part after its own begins, and serves that one then. Long strings are made and hashed once. */
  readonly #names: readonly string[]
  /** Parts that were over and empty when last looked at, and stay so. */
  #empty: readonly number[] = []

  constructor(counters: CounterStore, clock: Clock, { most, windowMs }: SlidingRule, key: string) {
    this.#counters = counters
    this.#clock = clock
    this.#most = most
    this.#partMs = Math.ceil(windowMs / parts)
    this.#names = [`${key}:0`, `${key}:1`, `${key}:2`, `${key}:3`, `${key}:4`]
  }

  /** Takes one, if there is one left. What is refused is not counted. Throws `store-unavailable`. */
  take(): Awaitable<Taken> {
    const now = this.#clock.now()
    const part = this.#partAt(now)
    return andThen(
      countingEach(earlier, (back) => this.#counters.read(this.#nameOf(part - back), now)),
      (found) => this.#takeBeside(found, part, now),
    )
  }

  /** Forgets what was counted. Throws `store-unavailable`. */
  forget(): Awaitable<unknown> {
    const part = this.#partAt(this.#clock.now())
    const counted = all.filter((back) => !this.#empty.includes(part - back))
    return countingEach(counted, (back) => this.#counters.reset(this.#nameOf(part - back)))
  }

  /** `found`: what the earlier parts hold, latest first. */
  #takeBeside(found: readonly (Count | undefined)[], part: number, now: Instant): Awaitable<Taken> {
    const empty: number[] = []
    let before = 0
    for (const back of earlier) {
      const count = found[back - 1]
      if (count === undefined) empty.push(part - back)
      else before += count.count
    }
    this.#empty = empty
    const atMost = this.#most - before
    if (atMost < 1) return { allowed: false, retryAt: this.#retryAt(part, 0, found) }
    // It is read until it has dropped out.
    const windowMs = (part + parts) * this.#partMs - now
    return andThen(
      counting(() => this.#counters.add(this.#nameOf(part), 1, { now, windowMs, atMost })),
      ({ count }): Taken =>
        count <= atMost
          ? { allowed: true, count: before + count }
          : { allowed: false, retryAt: this.#retryAt(part, atMost, found) },
    )
  }

  #partAt(now: Instant): number {
    return Math.floor(now / this.#partMs)
  }

  #nameOf(part: number): string {
    return this.#names[(part + parts) % parts] ?? ''
  }

  /** When enough of the oldest parts have dropped out for one more. */
  #retryAt(part: number, current: number, found: readonly (Count | undefined)[]): Instant {
    const counts = [current, ...found.map((count) => count?.count ?? 0)]
    let dropped = 1
    while (dropped < parts && sum(counts.slice(0, parts - dropped)) >= this.#most) dropped += 1
    return (part + dropped) * this.#partMs
  }
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
