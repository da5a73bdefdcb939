/**
 * What every call of the store goes through: a deadline, a circuit breaker and a bound on the calls under way, for
 * reads and for writes apart, because a store that takes no writes may well answer checks (fault F-03).
 */
import type { Awaitable } from '../store/store.ts'
import { Circuit, type Pass } from './circuit.ts'
import type { Clock } from './clock.ts'
import type { RandomFill } from './crypto.ts'
import { Deadlines, type Overdue } from './deadlines.ts'
import { type HoldfastError, storeUnavailable } from './errors.ts'
import { jittered } from './jitter.ts'
import type { BreakerSettings } from './options.ts'
import type { StoreCallStats } from './stats.ts'

export interface GuardOptions {
  readonly clock: Clock
  readonly random: RandomFill
  readonly breaker: BreakerSettings
  readonly maxInFlight: number
}

/** The call was not made: nothing of it can have taken effect. */
class CallRefused extends Error {
  override readonly name = 'CallRefused'
}

export function wasRefused(fault: unknown): boolean {
  return fault instanceof Error && fault.cause instanceof CallRefused
}

/** A quarter: nodes that lost one store together do not come back to it together. */
const jitter = 0.25

export class Guard {
  readonly reads: GuardedCalls
  readonly writes: GuardedCalls

  constructor(options: GuardOptions) {
    this.reads = new GuardedCalls(options)
    this.writes = new GuardedCalls(options)
  }

  stop(): void {
    this.reads.stop()
    this.writes.stop()
  }
}

export class GuardedCalls {
  readonly #deadlines: Deadlines
  readonly #circuit: Circuit
  readonly #maxInFlight: number
  #inFlight = 0
  #faults = 0
  #timeouts = 0
  #refused = 0

  constructor({ clock, random, breaker, maxInFlight }: GuardOptions) {
    const { faults, pause } = breaker
    this.#deadlines = new Deadlines(clock)
    this.#circuit = new Circuit({ clock, faults, pause: () => jittered(random, pause, jitter) })
    this.#maxInFlight = maxInFlight
  }

  /**
   * The answer: at once when the store answers at once. Throws, or rejects, with `store-unavailable` for every fault
   * of the store, for an answer after the deadline, and without asking when the circuit is open or too many calls wait.
   * What is late is not undone: a write that times out may still take effect.
   *
   * `deadline` is in ms; `about` names what is asked for, where that is one thing (see `Circuit.failed`); `forced`
   * passes an open circuit, for what is worth an attempt whatever the odds; its answer tells nothing of other calls.
   */
  run<T>(deadline: number, call: () => Awaitable<T>, about?: string, forced: boolean = false): Awaitable<T> {
    const pass = this.#enter(forced)
    let answer: Awaitable<T>
    try {
      answer = call()
    } catch (cause) {
      throw this.#failed(pass, cause, about)
    }
    if (answer instanceof Promise) return this.#watch(answer, deadline, pass, about, forced)
    if (!forced) this.#circuit.answered(pass)
    return answer
  }

  get stats(): StoreCallStats {
    return {
      circuit: this.#circuit.state,
      opened: this.#circuit.opened,
      inFlight: this.#inFlight,
      faults: this.#faults,
      timeouts: this.#timeouts,
      refused: this.#refused,
    }
  }

  stop(): void {
    this.#circuit.stop()
  }

  #enter(forced: boolean): Pass {
    if (this.#inFlight >= this.#maxInFlight) throw this.#refuse(`${this.#maxInFlight} calls wait for the store already`)
    const pass = this.#circuit.enter(forced)
    if (pass === undefined) throw this.#refuse('the store failed many times in a row and is left alone for a moment')
    return pass
  }

  #refuse(why: string): HoldfastError {
    this.#refused += 1
    return storeUnavailable(new CallRefused(why))
  }

  #failed(pass: Pass, cause: unknown, about: string | undefined): HoldfastError {
    this.#faults += 1
    this.#circuit.failed(pass, about)
    return storeUnavailable(cause)
  }

  #watch<T>(answer: Promise<T>, deadline: number, pass: Pass, about: string | undefined, forced: boolean): Promise<T> {
    this.#inFlight += 1
    return new Promise<T>((resolve, reject) => {
      // Set free at the deadline, so that a call which is never answered takes no place for ever: a store that hangs
      // opens the circuit, and until it is well one call at a time is added to those that it holds.
      const waiting: Overdue = {
        isOver: false,
        onLate: () => {
          this.#inFlight -= 1
          this.#timeouts += 1
          this.#circuit.failed(pass)
          reject(storeUnavailable(new Error(`the store did not answer within ${deadline} ms`)))
        },
      }
      const departure = this.#deadlines.start(deadline, waiting)
      answer.then(
        (value) => {
          if (!departure.arrive(waiting)) return
          this.#inFlight -= 1
          if (!forced) this.#circuit.answered(pass)
          resolve(value)
        },
        (cause: unknown) => {
          if (!departure.arrive(waiting)) return
          this.#inFlight -= 1
          reject(this.#failed(pass, cause, about))
        },
      )
    })
  }
}
