/** What a node keeps in memory of the denylist, within a bound. */
import { BoundedCache, type Cached } from '../../shared/bounded-cache.ts'

interface Kept<T> extends Cached {
  readonly value: T
}

export class Bounded<T> {
  readonly #entries: BoundedCache<string, Kept<T>>

  /** `capacity` 0 keeps nothing. */
  constructor(capacity: number) {
    this.#entries = new BoundedCache(capacity)
  }

  get(key: string): T | undefined {
    return this.#entries.get(key)?.value
  }

  set(key: string, value: T): void {
    this.#entries.set(key, { value, used: false })
  }

  clear(): void {
    this.#entries.clear()
  }

  get size(): number {
    return this.#entries.size
  }
}
