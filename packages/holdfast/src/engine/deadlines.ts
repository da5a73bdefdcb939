/**
 * Deadlines of many calls with few timers: calls that set out at one instant with one deadline share theirs. Under load
 * that is one for dozens, and each still ends at its very instant.
 */
import type { Instant } from '../store/store.ts'
import type { Clock } from './clock.ts'

export class Deadlines {
  readonly #clock: Clock
  #latest: Departure | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls `onLate` after `deadline` ms unless `Departure.arrive` is called with it before. */
  start(deadline: number, onLate: () => void): Departure {
    const at = this.#clock.now()
    let departure = this.#latest
    if (departure === undefined || departure.isOver || departure.at !== at || departure.deadline !== deadline) {
      departure = new Departure(this.#clock, at, deadline)
      this.#latest = departure
    }
    departure.add(onLate)
    return departure
  }
}

/** Calls that wait together. */
export class Departure {
  readonly at: Instant
  readonly deadline: number
  readonly #waiting: Set<() => void> = new Set()
  readonly #cancel: () => void
  #isOver = false

  constructor(clock: Clock, at: Instant, deadline: number) {
    this.at = at
    this.deadline = deadline
    this.#cancel = clock.after(deadline, () => this.#end())
  }

  /** Nobody waits any more, so that nobody may be added: its timer is gone. */
  get isOver(): boolean {
    return this.#isOver
  }

  add(onLate: () => void): void {
    this.#waiting.add(onLate)
  }

  /** Whether in time; once it was not, `onLate` has been called. */
  arrive(onLate: () => void): boolean {
    if (!this.#waiting.delete(onLate)) return false
    if (this.#waiting.size === 0) {
      this.#isOver = true
      this.#cancel()
    }
    return true
  }

  #end(): void {
    this.#isOver = true
    const late = [...this.#waiting]
    this.#waiting.clear()
    for (const onLate of late) onLate()
  }
}
