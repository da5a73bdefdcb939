/** Reads of one turn of the event loop, sent as one command: for servers that hold all keys. */

export type Pair = readonly [first: unknown, second: unknown]

interface Waiting {
  readonly keys: readonly [string, string]
  readonly resolve: (pair: Pair) => void
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

  constructor(options: PairReaderOptions) {
    this.#options = options
  }

  read(first: string, second: string): Promise<Pair> {
    const { maxInFlight } = this.#options
    if (this.#inFlight >= maxInFlight) throw new Error(`more than ${maxInFlight} Redis commands wait for an answer`)
    this.#inFlight += 1
    return new Promise((resolve, reject) => {
      this.#waiting.push({ keys: [first, second], resolve, reject })
      if (this.#waiting.length === 1) void this.#sendSoon()
      else if (this.#waiting.length === mostPairs) this.#send()
    })
  }

  /** Callers that were all answered at once ask again within a few steps of each other. */
  async #sendSoon(): Promise<void> {
    await undefined
    await undefined
    await undefined
    this.#send()
  }

  #send(): void {
    const reads = this.#waiting
    if (reads.length === 0) return
    this.#waiting = []
    const command = ['MGET']
    for (const { keys } of reads) command.push(keys[0], keys[1])
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
    for (let at = 0; at < reads.length; at += 1) reads[at]?.resolve([answer[2 * at], answer[2 * at + 1]])
  }

  #fail(reads: readonly Waiting[], fault: unknown): void {
    this.#inFlight -= reads.length
    for (const { reject } of reads) reject(fault)
  }
}
