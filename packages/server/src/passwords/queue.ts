/** A bounded queue: hashing takes 64 MiB and both cores, so few run at once and few may wait. */
import { HoldfastError } from 'holdfast'

export interface QueueLimits {
  readonly running: number
  readonly waiting: number
}

const retryAfterSeconds = 2

export class Queue {
  readonly #limits: QueueLimits
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(limits: QueueLimits) {
    this.#limits = limits
  }

  /** Runs the task when its turn comes. Throws `rate-limited` at once when too many wait already. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    await this.#turn()
    try {
      return await task()
    } finally {
      // The place is handed over, not freed: a newcomer must not overtake those who wait.
      const next = this.#waiting.shift()
      if (next === undefined) this.#running -= 1
      else next()
    }
  }

  #turn(): Promise<void> | undefined {
    if (this.#running < this.#limits.running) {
      this.#running += 1
      return undefined
    }
    if (this.#waiting.length >= this.#limits.waiting) {
      throw new HoldfastError('rate-limited', { detail: 'Too many passwords are being checked', retryAfter: retryAfterSeconds })
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}
