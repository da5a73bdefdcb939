/**
 * A circuit breaker: after a run of faults a store is left alone, so that callers are answered at once and a store
 * that comes back is not met by all of them. Then one call at a time tries it.
 */
import type { Clock } from './clock.ts'

/** `closed`: calls pass. `open`: none does. `half-open`: one is let through, and its answer decides. */
export type CircuitState = 'closed' | 'open' | 'half-open'

/** When a call set out, given back with its outcome: the round, negative for the one call that tries. */
export type Pass = number

export interface CircuitOptions {
  readonly clock: Clock
  /** Faults in a row that open it. */
  readonly faults: number
  /** How long it stays open before one call may try, in ms; asked at each opening, so that it can be jittered. */
  readonly pause: () => number
}

export class Circuit {
  readonly #options: CircuitOptions
  #state: CircuitState = 'closed'
  /** Counts openings and closings: what set out before one of them says nothing of the store after it. */
  #round: Pass = 1
  #run = 0
  #faultyAbout: string | undefined
  #trying = false
  #opened = 0
  #cancelTimer: (() => void) | undefined

  constructor(options: CircuitOptions) {
    this.#options = options
  }

  get state(): CircuitState {
    return this.#state
  }

  /** How many times it has opened. */
  get opened(): number {
    return this.#opened
  }

  /**
   * Undefined: the call must not be made. With `forced` it may, whatever the state, but not as the one that tries: a store
   * that is full takes revocations and nothing else.
   */
  enter(forced: boolean): Pass | undefined {
    if (forced || this.#state === 'closed') return this.#round
    if (this.#state === 'half-open' && !this.#trying) {
      this.#trying = true
      return -this.#round
    }
    return undefined
  }

  answered(pass: Pass): void {
    if (this.#run === 0 && this.#state === 'closed') return
    if (Math.abs(pass) !== this.#round) return
    this.#run = 0
    this.#faultyAbout = undefined
    if (this.#state !== 'closed') this.#close()
  }

  /**
   * `about` names what the call asked for. Faults about one thing count once in a run: a single damaged record, which
   * is asked for again and again, must not keep everybody else from the store.
   */
  failed(pass: Pass, about?: string): void {
    if (Math.abs(pass) !== this.#round) return
    if (this.#state !== 'closed') {
      if (pass < 0) this.#open()
      return
    }
    if (about !== undefined && about === this.#faultyAbout) return
    this.#faultyAbout = about
    this.#run += 1
    if (this.#run < this.#options.faults) return
    this.#round += 1
    this.#opened += 1
    this.#open()
  }

  stop(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }

  /** A timer and not an instant: a clock that goes back must not keep it open. */
  #open(): void {
    this.#state = 'open'
    this.#trying = false
    this.stop()
    this.#cancelTimer = this.#options.clock.after(this.#options.pause(), () => {
      this.#cancelTimer = undefined
      this.#state = 'half-open'
    })
  }

  #close(): void {
    this.stop()
    this.#state = 'closed'
    this.#trying = false
    this.#round += 1
  }
}
