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
import type { Instant } from '../store/store.ts'
import { counting, countingEach } from './counting.ts'

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

export class SlidingCount {
  readonly #counters: CounterStore
  readonly #clock: Clock
  readonly #most: number
  readonly #partMs: number

  constructor(counters: CounterStore, clock: Clock, { most, windowMs }: SlidingRule) {
    this.#counters = counters
    this.#clock = clock
    this.#most = most
    this.#partMs = Math.ceil(windowMs / parts)
  }

  /** Takes one, if there is one left. What is refused is not counted. Throws `store-unavailable`. */
  async take(key: string): Promise<Taken> {
    const now = this.#clock.now()
    const part = this.#partAt(now)
    const past = await this.#past(key, part, now)
    const atMost = this.#most - sum(past)
    if (atMost < 1) return { allowed: false, retryAt: this.#retryAt(part, past, 0) }
    // It is read until it has dropped out.
    const windowMs = (part + parts) * this.#partMs - now
    const { count } = await counting(() => this.#counters.add(keyOf(key, part), 1, { now, windowMs, atMost }))
    if (count <= atMost) return { allowed: true, count: sum(past) + count }
    return { allowed: false, retryAt: this.#retryAt(part, past, atMost) }
  }

  /** Forgets what was counted under this key. */
  async forget(key: string): Promise<void> {
    const part = this.#partAt(this.#clock.now())
    await countingEach(indices, (back) => this.#counters.reset(keyOf(key, part - back)))
  }

  #partAt(now: Instant): number {
    return Math.floor(now / this.#partMs)
  }

  /** Counts of the parts before the current one, latest first. */
  async #past(key: string, part: number, now: Instant): Promise<number[]> {
    const counts = await countingEach(earlier, (back) => this.#counters.read(keyOf(key, part - back), now))
    return counts.map((found) => found?.count ?? 0)
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
const earlier: readonly number[] = indices.slice(1)

function keyOf(key: string, part: number): string {
  return `${key}:${part}`
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
