/**
 * Notices that another server answers than before, where no listening connection tells: after a fault it is asked when it
 * was started, which no two have in common.
 */

export interface PostgresServerOptions {
  /** Who answers now. */
  readonly ask: () => Promise<string>
  /** Another than before, or the same after it was down. */
  readonly onOther: () => void
  /** At every answer. */
  readonly onAnswer: () => void
}

export class PostgresServer {
  readonly #options: PostgresServerOptions
  #known: string | undefined
  #isInDoubt = true
  #isAsking = false

  constructor(options: PostgresServerOptions) {
    this.#options = options
  }

  /** A statement or a connection failed. */
  lost(): void {
    this.#isInDoubt = true
  }

  answered(): void {
    this.#options.onAnswer()
    if (this.#isInDoubt && !this.#isAsking) void this.#ask()
  }

  async #ask(): Promise<void> {
    this.#isAsking = true
    this.#isInDoubt = false
    try {
      const found = await this.#options.ask()
      const isOther = this.#known !== undefined && found !== this.#known
      this.#known = found
      if (isOther) this.#options.onOther()
    } catch {
      this.#isInDoubt = true
    } finally {
      this.#isAsking = false
    }
  }
}
