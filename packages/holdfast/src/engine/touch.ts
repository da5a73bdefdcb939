/**
 * Coalesced recording of activity. At most one sighting per session and interval reaches this buffer; it is written
 * in batches. A lost batch can only end a session early, never late, because the store moves forward only.
 */
import { keepNewest } from '../shared/keep-newest.ts'
import type { Awaitable, SessionId, Sighting } from '../store/store.ts'
import type { Clock } from './clock.ts'
import type { FaultLogger } from './events.ts'

const flushAfter = 1000
const batchSize = 256
/** Sightings kept while the store takes no writes; the oldest go first. */
const mostPending = 10_000

export interface TouchOptions {
  readonly write: (sightings: readonly Sighting[]) => Awaitable<void>
  readonly clock: Clock
  readonly onFault: FaultLogger
}

export class TouchBuffer {
  readonly #options: TouchOptions
  readonly #pending: Map<SessionId, Sighting> = new Map()
  #cancelTimer: (() => void) | undefined
  #flushing: Promise<void> | undefined

  constructor(options: TouchOptions) {
    this.#options = options
  }

  note(sighting: Sighting): void {
    // Set again, so that the map stays in order of age.
    this.#pending.delete(sighting.id)
    this.#pending.set(sighting.id, sighting)
    keepNewest(this.#pending, mostPending)
    if (this.#flushing !== undefined) return
    if (this.#pending.size >= batchSize) void this.flush()
    else this.#arm()
  }

  /** The sighting of a session that is not yet in the store. */
  pending(id: SessionId): Sighting | undefined {
    return this.#pending.get(id)
  }

  get size(): number {
    return this.#pending.size
  }

  /** Writes what is pending; faults are told to the logger and what failed stays for the next time. */
  flush(): Promise<void> {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#flushing ??= this.#writeAll().finally(() => {
      this.#flushing = undefined
      if (this.#pending.size > 0) this.#arm()
    })
    return this.#flushing
  }

  stop(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#pending.clear()
  }

  #arm(): void {
    this.#cancelTimer ??= this.#options.clock.after(flushAfter, () => {
      this.#cancelTimer = undefined
      void this.flush()
    })
  }

  async #writeAll(): Promise<void> {
    const { write, onFault } = this.#options
    const all = [...this.#pending.values()]
    for (let start = 0; start < all.length; start += batchSize) {
      const batch = all.slice(start, start + batchSize)
      try {
        await write(batch)
      } catch (fault) {
        onFault(fault, 'recording activity')
        return
      }
      for (const sighting of batch) if (this.#pending.get(sighting.id) === sighting) this.#pending.delete(sighting.id)
    }
  }
}
