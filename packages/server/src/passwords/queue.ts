/** A bounded queue: hashing takes 64 MiB and a core for each lane, so few run at once and few may wait. */
import { HoldfastError } from 'holdfast'

export interface QueueLimits {
  readonly running: number
  readonly waiting: number
}

/** As it stands, and how many tasks found no room since the start. */
export interface QueueLoad {
  readonly running: number
  readonly waiting: number
  readonly refused: number
}

const retryAfterSeconds = 2

export class Queue {
  readonly #limits: QueueLimits
  readonly #waiting: (() => void)[] = []
  #running = 0
  #refused = 0

  constructor(limits: QueueLimits) {
    this.#limits = limits
  }

  get load(): QueueLoad {
    return { running: this.#running, waiting: this.#waiting.length, refused: this.#refused }
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
      this.#refused += 1
      throw new HoldfastError('rate-limited', { detail: 'Too many passwords are being checked', retryAfter: retryAfterSeconds })
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}
