/** Reads of one turn of the event loop, sent as one command or two: for servers that hold all keys. */
import { eventLoopTurn } from './turn.ts'

/** What the values of two keys mean, called as they arrive: a promise of its own for that costs more than most of them do. */
export type Decode<T> = (first: unknown, second: unknown) => T | Promise<T>

interface Waiting {
  readonly first: string
  readonly second: string
  readonly decode: Decode<unknown>
  readonly resolve: (found: unknown) => void
  readonly reject: (fault: unknown) => void
}

/** More go in several commands, so that none holds up the server for long. */
const mostPairs = 256

export interface PairReaderOptions {
  readonly send: (args: string[]) => Promise<unknown>
  /** Reads that may wait for an answer at once; more are a fault at once. */
  readonly maxInFlight: number
}

export class PairReader {
  readonly #options: PairReaderOptions
  #waiting: Waiting[] = []
  #inFlight = 0
  /** Whether some of this turn were sent already, and the rest of them will be at its end. */
  #isGathering = false

  constructor(options: PairReaderOptions) {
    this.#options = options
  }

  read<T>(first: string, second: string, decode: Decode<T>): Promise<T> {
    const { maxInFlight } = this.#options
    if (this.#inFlight >= maxInFlight) {
      return Promise.reject(new Error(`more than ${maxInFlight} Redis commands wait for an answer`))
    }
    this.#inFlight += 1
    return new Promise<unknown>((resolve, reject) => {
      this.#waiting.push({ first, second, decode, resolve, reject })
      if (this.#waiting.length === mostPairs) this.#send()
      else if (!this.#isGathering) void this.#gather()
    }) as Promise<T>
  }

  /**
   * Callers that were all answered at once ask again within a few steps of each other. Those of other requests come one by
   * one in the rest of the turn: node-redis writes at the end of it, and so the first do not wait for them.
   */
  async #gather(): Promise<void> {
    this.#isGathering = true
    const turn = eventLoopTurn()
    await undefined
    await undefined
    await undefined
    this.#send()
    await turn
    this.#isGathering = false
    this.#send()
  }

  #send(): void {
    const reads = this.#waiting
    if (reads.length === 0) return
    this.#waiting = []
    const command = ['MGET']
    for (const { first, second } of reads) command.push(first, second)
    // Also when it throws at once: every caller gets the fault.
    new Promise((resolve) => resolve(this.#options.send(command))).then(
      (answer) => this.#answer(reads, answer),
      (fault: unknown) => this.#fail(reads, fault),
    )
  }

  #answer(reads: readonly Waiting[], answer: unknown): void {
    if (!Array.isArray(answer) || answer.length !== reads.length * 2) {
      this.#fail(reads, new TypeError('Redis answered MGET with something else'))
      return
    }
    this.#inFlight -= reads.length
    let at = 0
    for (const read of reads) {
      decodeInto(read, answer[at], answer[at + 1])
      at += 2
    }
  }

  #fail(reads: readonly Waiting[], fault: unknown): void {
    this.#inFlight -= reads.length
    for (const { reject } of reads) reject(fault)
  }
}

/** What is damaged is the fault of its own reader only. */
function decodeInto({ decode, resolve, reject }: Waiting, first: unknown, second: unknown): void {
  try {
    resolve(decode(first, second))
  } catch (fault) {
    reject(fault)
  }
}
