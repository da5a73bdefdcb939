/**
 * Deadlines of many calls with few timers: calls that set out at one instant with one deadline share theirs. Under load
 * that is one for dozens, and each still ends at its very instant.
 */
import type { Instant } from '../store/store.ts'
import type { Clock } from './clock.ts'

/** A call that waits for its answer. */
export interface Overdue {
  /** Whether it has been answered, or its deadline has passed. */
  isOver: boolean
  /** Called at its deadline, once, unless `Departure.arrive` was called before. */
  onLate(): void
}

export class Deadlines {
  readonly #clock: Clock
  #latest: Departure | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `deadline` is in ms. */
  start(deadline: number, call: Overdue): Departure {
    const at = this.#clock.now()
    let departure = this.#latest
    if (departure === undefined || departure.isOver || departure.at !== at || departure.deadline !== deadline) {
      departure = new Departure(this.#clock, at, deadline)
      this.#latest = departure
    }
    departure.add(call)
    return departure
  }
}

/** Calls that wait together. */
export class Departure {
  readonly at: Instant
  readonly deadline: number
  /** All that set out; those that are over are passed by at the end, which costs less than to take each out. */
  #calls: Overdue[] = []
  #waiting = 0
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

  add(call: Overdue): void {
    this.#calls.push(call)
    this.#waiting += 1
  }

  /** Whether in time; once it was not, `onLate` has been called. */
  arrive(call: Overdue): boolean {
    if (call.isOver) return false
    call.isOver = true
    this.#waiting -= 1
    if (this.#waiting === 0) {
      this.#isOver = true
      this.#cancel()
    }
    return true
  }

  #end(): void {
    this.#isOver = true
    const calls = this.#calls
    this.#calls = []
    for (const call of calls) {
      if (call.isOver) continue
      call.isOver = true
      call.onLate()
    }
  }
}
