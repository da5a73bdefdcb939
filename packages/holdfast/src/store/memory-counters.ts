/** Counters in memory. */
import type { Count, CounterStore } from './counters.ts'
import { step, type Window } from './counting.ts'
import type { Instant } from './store.ts'

/** How many counters a full store looks at to find one that may go. */
const sample = 32

interface Kept extends Count {
  /** It reached what it may hold: something is locked or refused by it. */
  readonly isSpent: boolean
}

/**
 * When full, a counter whose window ended goes first, else the lowest of those looked at: whoever floods the store
 * with new keys loses keys like their own. Spent ones are never given up, as that would unlock what they lock; when
 * only such are found, `add` throws.
 */
export class MemoryCounters implements CounterStore {
  readonly #max: number
  readonly #counts: Map<string, Kept> = new Map()
  #hand: Iterator<[string, Kept], undefined> = this.#counts.entries()

  constructor(max: number) {
    this.#max = max
  }

  add(key: string, amount: number, window: Window): Count {
    const before = this.#counts.get(key)
    if (before === undefined && this.#counts.size >= this.#max) this.#makeRoom(window.now)
    const { stored, answer } = step(before, amount, window)
    const { atMost } = window
    this.#counts.set(key, { ...stored, isSpent: atMost !== undefined && stored.count >= atMost })
    return answer
  }

  read(key: string, now: Instant): Count | undefined {
    const found = this.#counts.get(key)
    return found !== undefined && found.resetsAt > now ? { count: found.count, resetsAt: found.resetsAt } : undefined
  }

  reset(key: string): boolean {
    return this.#counts.delete(key)
  }

  list(prefix: string, now: Instant, limit: number): readonly (Count & { readonly key: string })[] {
    const found: (Count & { readonly key: string })[] = []
    for (const [key, { count, resetsAt }] of this.#counts) {
      if (resetsAt > now && key.startsWith(prefix)) found.push({ key, count, resetsAt })
    }
    return found.sort((a, b) => (a.key < b.key ? -1 : 1)).slice(0, limit)
  }

  sweep(now: Instant, limit: number): number {
    let swept = 0
    for (const [key, { resetsAt }] of this.#counts) {
      if (swept >= limit) break
      if (resetsAt > now) continue
      this.#counts.delete(key)
      swept += 1
    }
    return swept
  }

  #makeRoom(now: Instant): void {
    let lowest: string | undefined
    let least = Number.POSITIVE_INFINITY
    for (let looked = 0; looked < sample; looked += 1) {
      const entry = this.#nextEntry()
      if (entry === undefined) break
      const [key, { count, resetsAt, isSpent }] = entry
      if (resetsAt <= now) {
        this.#counts.delete(key)
        return
      }
      if (isSpent || count >= least) continue
      lowest = key
      least = count
    }
    if (lowest === undefined) throw new Error(`the memory store is full: ${this.#max} counters`)
    this.#counts.delete(lowest)
  }

  /** Goes round and round over all of them. */
  #nextEntry(): [string, Kept] | undefined {
    const { value } = this.#hand.next()
    if (value !== undefined) return value
    this.#hand = this.#counts.entries()
    return this.#hand.next().value
  }
}
