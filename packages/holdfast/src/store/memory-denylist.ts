/** The denylist in memory. */
import { merged } from './denial.ts'
import type { Denial, Denylist } from './denylist.ts'
import type { Instant } from './store.ts'

/** Full means a fault, not an eviction: forgetting a denial early would let a revoked token in again. */
export class MemoryDenylist implements Denylist {
  readonly #max: number
  readonly #denials: Map<string, Denial> = new Map()

  constructor(max: number) {
    this.#max = max
  }

  put(denial: Denial): { readonly durable: boolean } {
    const before = this.#denials.get(denial.key)
    if (before === undefined && this.#denials.size >= this.#max) throw new Error(`the memory store is full: ${this.#max} denials`)
    this.#denials.set(denial.key, merged(before, denial))
    return { durable: false }
  }

  find(keys: readonly string[], now: Instant): readonly Denial[] {
    const found: Denial[] = []
    for (const key of new Set(keys)) {
      const denial = this.#denials.get(key)
      if (denial !== undefined && denial.expiresAt > now) found.push({ ...denial })
    }
    return found
  }

  sweep(now: Instant, limit: number): number {
    let swept = 0
    for (const [key, { expiresAt }] of this.#denials) {
      if (swept >= limit) break
      if (expiresAt > now) continue
      this.#denials.delete(key)
      swept += 1
    }
    return swept
  }
}
