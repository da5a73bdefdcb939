/** One-time tickets in memory. */
import type { Instant, JsonValue } from './store.ts'
import type { Ticket, TicketStore } from './tickets.ts'

interface Kept {
  readonly expiresAt: Instant
  readonly data: string
}

/**
 * Full means a fault, not an eviction: forgetting a ticket early would let a proof that it marks as spent be
 * spent again.
 */
export class MemoryTickets implements TicketStore {
  readonly #max: number
  readonly #tickets: Map<string, Kept> = new Map()

  constructor(max: number) {
    this.#max = max
  }

  put({ id, expiresAt, data }: Ticket): boolean {
    if (this.#tickets.has(id)) return false
    if (this.#tickets.size >= this.#max) throw new Error(`the memory store is full: ${this.#max} tickets`)
    this.#tickets.set(id, { expiresAt, data: JSON.stringify(data) })
    return true
  }

  take(id: string, now: Instant): Ticket | undefined {
    const kept = this.#tickets.get(id)
    if (kept === undefined) return undefined
    this.#tickets.delete(id)
    if (kept.expiresAt <= now) return undefined
    return { id, expiresAt: kept.expiresAt, data: JSON.parse(kept.data) as JsonValue }
  }

  sweep(now: Instant, limit: number): number {
    let swept = 0
    for (const [id, { expiresAt }] of this.#tickets) {
      if (swept >= limit) break
      if (expiresAt > now) continue
      this.#tickets.delete(id)
      swept += 1
    }
    return swept
  }
}
