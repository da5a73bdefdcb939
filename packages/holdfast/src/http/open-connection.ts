/** What every open connection has, whatever it carries: its session, its place in the registries, and one end. */
import type { ConnectionEnd, LiveConnection } from '../engine/api.ts'
import { eventLoopTurn } from '../engine/clock.ts'
import type { Session } from '../engine/session.ts'
import type { SessionEndReason } from '../shared/live.ts'
import type { Attributes } from '../store/store.ts'
import type { HttpCore } from './core.ts'
import type { LiveMember } from './live.ts'

/** Whose it is, and where it came from as caps count it: a place that was taken before. */
export interface Admitted<A extends Attributes> {
  readonly session: Session<A>
  readonly source: string
}

/** Methods are shared by all of them: ten thousand connections are ten thousand of these. */
export abstract class OpenConnection<A extends Attributes = Attributes> implements LiveMember {
  protected readonly core: HttpCore<A>
  readonly #admitted: Admitted<A>
  #connection: LiveConnection | undefined
  /** Nothing more is delivered or sent. */
  #isEnded = false
  /** Out of the registries, and its place given back. */
  #hasLeft = false
  #abort: AbortController | undefined

  constructor(core: HttpCore<A>, admitted: Admitted<A>) {
    this.core = core
    this.#admitted = admitted
  }

  get session(): Session<A> {
    return this.#admitted.session
  }

  get source(): string {
    return this.#admitted.source
  }

  get ended(): boolean {
    return this.#isEnded
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController()
      if (this.#isEnded) this.#abort.abort()
    }
    return this.#abort.signal
  }

  abstract readonly buffered: number
  abstract readonly written: number
  abstract taken(): void
  abstract beat(): void
  abstract retire(): void
  abstract cut(): void

  stalled(): void {
    this.leave()
    this.cut()
  }

  /** Ends it for a client that is to connect again: attached until what was sent is taken. */
  protected abstract giveUp(cause: 'closing' | 'superseded' | 'unknown'): void

  /** The last words; nothing waits before them. */
  protected abstract sayEnded(reason: SessionEndReason): void

  /** What looks after it while its session lives. */
  protected get connection(): LiveConnection | undefined {
    return this.#connection
  }

  /** Counts every connection that ever joined. A closed engine ends it at once. */
  protected join(): number {
    const sequence = this.core.live.join(this)
    this.#connection = this.core.engine.connect(this.session, (end) => this.#finish(end))
    return sequence
  }

  protected markEnded(): void {
    this.#isEnded = true
    this.#abort?.abort()
  }

  protected leave(): void {
    if (this.#hasLeft) return
    this.#hasLeft = true
    this.#connection?.detach()
    this.core.live.leave(this)
    if (!this.#isEnded) this.markEnded()
  }

  /** The session has ended, or this process is about to: nothing is sent from here on but the last words. */
  #finish(end: ConnectionEnd): void {
    if (this.#hasLeft) return
    if (end.cause === 'closing' || end.cause === 'superseded' || end.cause === 'unknown') {
      this.giveUp(end.cause)
      return
    }
    const wasEnded = this.#isEnded
    this.leave()
    if (wasEnded) this.cut()
    else void this.#sayLast(end.cause === 'revoked' ? end.reason : end.cause)
  }

  async #sayLast(reason: SessionEndReason): Promise<void> {
    // What was sent in this turn is with the kernel after it, unless the reader does not read.
    if (this.buffered > 0) await eventLoopTurn()
    if (this.buffered > 0) this.cut()
    else this.sayEnded(reason)
  }
}
