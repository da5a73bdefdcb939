/** The event log in memory: bounded, the oldest events go first. */
import type { EventLog, EventQuery, LoggedEvent, StoredEvent } from './event-log.ts'
import type { Instant, JsonValue } from './store.ts'

interface Kept {
  readonly at: Instant
  readonly kind: string
  readonly data: string
}

export class MemoryEventLog implements EventLog {
  readonly #max: number
  #events: (Kept | undefined)[] = []
  /** Where in the array the oldest kept event stands, and how many were dropped before that array began. */
  #start = 0
  #dropped = 0

  constructor(max: number) {
    this.#max = max
  }

  append(events: readonly LoggedEvent[]): number {
    const kept = events.map(({ at, kind, data }) => ({ at, kind, data: JSON.stringify(data) }))
    for (const event of kept) this.#events.push(event)
    const surplus = this.#events.length - this.#start - this.#max
    if (surplus > 0) this.#drop(surplus)
    return this.#dropped + this.#events.length
  }

  read({ after = 0, kind, limit }: EventQuery): readonly StoredEvent[] {
    const found: StoredEvent[] = []
    for (let at = Math.max(this.#start, after - this.#dropped); at < this.#events.length && found.length < limit; at += 1) {
      const event = this.#events[at]
      if (event === undefined || (kind !== undefined && event.kind !== kind)) continue
      const data = JSON.parse(event.data) as { [key: string]: JsonValue }
      found.push({ sequence: this.#dropped + at + 1, at: event.at, kind: event.kind, data })
    }
    return found
  }

  sweep(before: Instant, limit: number): number {
    let count = 0
    while (count < limit && (this.#events[this.#start + count]?.at ?? before) < before) count += 1
    this.#drop(count)
    return count
  }

  #drop(count: number): void {
    this.#events.fill(undefined, this.#start, this.#start + count)
    this.#start += count
    if (this.#start * 2 <= this.#events.length) return
    this.#events = this.#events.slice(this.#start)
    this.#dropped += this.#start
    this.#start = 0
  }
}
