/**
 * A rate limit of this node alone, in memory: for what is refused before the store is asked, so that counting it
 * costs no more than refusing it.
 */
import type { Clock } from '../engine/clock.ts'
import { HoldfastError } from '../engine/errors.ts'
import { sourceOf } from '../engine/network.ts'
import type { Instant } from '../store/store.ts'
import { secondsUntil } from './counting.ts'

export interface LocalLimitOptions {
  readonly clock: Clock
  /** Per source, 1 or more, … */
  readonly most: number
  /** … within this many milliseconds; one window for all sources. */
  readonly windowMs: number
  /** What whoever is refused is told: safe to show. */
  readonly detail: string
}

/** Sources beyond so many in one window share a budget: memory stays bounded, and a flood of sources is limited as one. */
const mostSources = 10_000
const others = 'others'

export class LocalLimit {
  readonly #options: LocalLimitOptions
  readonly #counts: Map<string, number> = new Map()
  #endsAt: Instant = 0

  constructor(options: LocalLimitOptions) {
    this.#options = options
  }

  /** Takes one from the budget of the address's source. Throws `rate-limited` with the seconds to wait when it is spent. */
  spend(ip: string | undefined): void {
    const refusal = this.refusalOf(ip)
    if (refusal !== undefined) throw refusal
  }

  /** The same, for a refusal that is told later, or in another way. */
  refusalOf(ip: string | undefined): HoldfastError | undefined {
    const { clock, most, windowMs, detail } = this.#options
    const now = clock.now()
    if (now >= this.#endsAt || now < this.#endsAt - windowMs) {
      this.#counts.clear()
      this.#endsAt = now + windowMs
    }
    const source = sourceOf(ip)
    const key = this.#counts.size < mostSources || this.#counts.has(source) ? source : others
    const count = (this.#counts.get(key) ?? 0) + 1
    if (count > most) return new HoldfastError('rate-limited', { detail, retryAfter: secondsUntil(this.#endsAt, now) })
    this.#counts.set(key, count)
    return undefined
  }
}
