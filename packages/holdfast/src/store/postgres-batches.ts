/**
 * Questions of one turn of the event loop travel together: one statement, one round trip, one commit. What comes in
 * while batches are under way makes the next one, so that batches grow with the load and a lone question does not wait.
 */
import { eventLoopTurn } from './turn.ts'

export interface BatchLimits {
  /** Batches under way at once. */
  readonly lanes: number
  /** Questions in one batch. */
  readonly size: number
  /** Questions waiting; past this they are refused. */
  readonly waiting: number
}

interface Waiter<Q, R> {
  readonly question: Q
  readonly resolve: (answer: R) => void
  readonly reject: (fault: unknown) => void
}

/** From the third lane on, another batch is worth its cost from this many questions for each lane before it. */
const worthALane = 16

export class Batches<Q, A, R = A> {
  readonly #send: (questions: readonly Q[]) => Promise<readonly A[]>
  readonly #read: (answer: A, question: Q) => R
  readonly #limits: BatchLimits
  #waiting: Waiter<Q, R>[] = []
  #active = 0
  #scheduled = false

  /**
   * `send` answers in the order of its questions, or throws: then every asker of the batch gets the fault. `read` says
   * what an answer means, as it arrives: what it throws is the fault of one asker only.
   */
  constructor(
    limits: BatchLimits,
    send: (questions: readonly Q[]) => Promise<readonly A[]>,
    read: (answer: A, question: Q) => R,
  ) {
    this.#limits = limits
    this.#send = send
    this.#read = read
  }

  ask(question: Q): Promise<R> {
    if (this.#waiting.length >= this.#limits.waiting) {
      return Promise.reject(new Error(`more than ${this.#limits.waiting} questions wait for the database`))
    }
    if (!this.#scheduled) {
      this.#scheduled = true
      void eventLoopTurn().then(() => this.#start())
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, resolve, reject })
    })
  }

  #start(): void {
    this.#scheduled = false
    // The second lane is always open: one connection that hangs must not hold everybody up.
    while (this.#waiting.length > Math.max(0, this.#active - 1) * worthALane && this.#active < this.#limits.lanes) {
      const batch = this.#waiting.slice(0, this.#limits.size)
      this.#waiting = this.#waiting.slice(this.#limits.size)
      void this.#run(batch)
    }
  }

  async #run(batch: readonly Waiter<Q, R>[]): Promise<void> {
    this.#active += 1
    try {
      const answers = await this.#send(batch.map(({ question }) => question))
      batch.forEach((waiter, at) => {
        this.#answer(waiter, answers[at] as A)
      })
    } catch (fault) {
      for (const { reject } of batch) reject(fault)
    } finally {
      this.#active -= 1
      this.#start()
    }
  }

  #answer({ question, resolve, reject }: Waiter<Q, R>, answer: A): void {
    try {
      resolve(this.#read(answer, question))
    } catch (fault) {
      reject(fault)
    }
  }
}
