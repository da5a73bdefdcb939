/** What a node keeps in memory of the denylist, within a bound: two generations, as in engine/cache.ts. */

export class Bounded<T> {
  readonly #perGeneration: number
  #young: Map<string, T> = new Map()
  #old: Map<string, T> = new Map()

  /** `capacity` 0 keeps nothing. */
  constructor(capacity: number) {
    this.#perGeneration = Math.ceil(capacity / 2)
  }

  get(key: string): T | undefined {
    return this.#young.get(key) ?? this.#old.get(key)
  }

  set(key: string, value: T): void {
    if (this.#perGeneration === 0) return
    if (!this.#young.has(key) && this.#young.size >= this.#perGeneration) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, value)
  }

  clear(): void {
    this.#young = new Map()
    this.#old = new Map()
  }

  /** Entries held; one that stands in both generations counts twice. */
  get size(): number {
    return this.#young.size + this.#old.size
  }
}
