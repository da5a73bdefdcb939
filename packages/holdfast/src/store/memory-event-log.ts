/** The event log in memory: bounded, the oldest events go first. */
import type { ChainedEvent, EventLog, EventQuery, StoredEvent } from './event-log.ts'
import type { Instant, JsonValue } from './store.ts'

interface Kept {
  readonly at: Instant
  readonly kind: string
  readonly data: string
  readonly hash: string
  readonly previous: string
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

  append(events: readonly ChainedEvent[], after: number): boolean {
    if (after !== this.#head) return false
    const kept = events.map(({ at, kind, data, hash, previous }) => ({ at, kind, data: JSON.stringify(data), hash, previous }))
    for (const event of kept) this.#events.push(event)
    const surplus = this.#events.length - this.#start - this.#max
    if (surplus > 0) this.#drop(surplus)
    return true
  }

  last(): StoredEvent | undefined {
    return this.read({ after: this.#head - 1, limit: 1 })[0]
  }

  read({ after = 0, kind, limit }: EventQuery): readonly StoredEvent[] {
    const found: StoredEvent[] = []
    for (let at = Math.max(this.#start, after - this.#dropped); at < this.#events.length && found.length < limit; at += 1) {
      const event = this.#events[at]
      if (event === undefined || (kind !== undefined && event.kind !== kind)) continue
      const data = JSON.parse(event.data) as { [key: string]: JsonValue }
      found.push({ ...event, sequence: this.#dropped + at + 1, data })
    }
    return found
  }

  sweep(before: Instant, limit: number): number {
    const most = Math.min(limit, this.#events.length - this.#start - 1)
    let count = 0
    while (count < most && (this.#events[this.#start + count]?.at ?? before) < before) count += 1
    this.#drop(count)
    return count
  }

  get #head(): number {
    return this.#dropped + this.#events.length
  }

  #drop(count: number): void {
    if (count <= 0) return
    this.#events.fill(undefined, this.#start, this.#start + count)
    this.#start += count
    if (this.#start * 2 <= this.#events.length) return
    this.#events = this.#events.slice(this.#start)
    this.#dropped += this.#start
    this.#start = 0
  }
}
