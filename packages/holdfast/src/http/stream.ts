/** One open event stream: what is sent, what waits, and its end. */
import type { Session } from '../engine/session.ts'
import { type SessionEndReason, streamEvents } from '../shared/live.ts'
import type { Attributes } from '../store/store.ts'
import type { HttpCore } from './core.ts'
import type { Live } from './live.ts'
import { type Admitted, OpenConnection } from './open-connection.ts'
import type { Sink, SinkReceiver } from './sink.ts'
import { checkEventName, eventText, heartbeatText, openingText, type StreamEvent } from './sse-text.ts'

/** An open stream of server-sent events. */
export interface EventStream<A extends Attributes = Attributes> {
  /** Whose stream it is; as it was when the stream was opened. */
  readonly session: Session<A>
  /** Whether the stream started the session. */
  readonly started: boolean
  /**
   * The `id` of the last event that the client has of a stream of this session (`Last-Event-ID`); null at a first
   * connection, and for an id that this session was never sent.
   */
  readonly lastEventId: string | null
  /** Ended, for whatever reason: nothing that is sent now reaches the client. */
  readonly ended: boolean
  /** Aborts when the stream ends: pass it on to what produces the events. */
  readonly signal: AbortSignal
  /**
   * Sends an event; false once the stream has ended. A reader that lets more than `connections.maxBuffered` bytes wait
   * is cut off. Throws `invalid-request` for a name or an id that could not be sent as one.
   */
  send(event: StreamEvent): boolean
  /** Waits until the client has taken what was sent; false once the stream has ended. Between pieces of a long replay. */
  drained(): Promise<boolean>
  /** Ends the stream. A browser's EventSource then connects again; an app tells it not to by an event of its own. */
  end(): void
}

const encoder = new TextEncoder()
const heartbeat = encoder.encode(heartbeatText)

export interface Opening<A extends Attributes> extends Admitted<A> {
  readonly started: boolean
  readonly lastEventId: string | null
}

export class Stream<A extends Attributes> extends OpenConnection<A> implements EventStream<A>, SinkReceiver {
  readonly #opening: Opening<A>
  #sink: Sink | undefined
  #written = 0
  #isClosed = false
  #waiting: ((open: boolean) => void)[] | undefined

  constructor(core: HttpCore<A>, opening: Opening<A>) {
    super(core, opening)
    this.#opening = opening
  }

  /** Sends the head and what comes first. */
  begin(sink: Sink, first: string): void {
    this.#sink = sink
    const sequence = this.join()
    if (!this.ended) this.#write(encoder.encode(openingText(sequence) + first))
  }

  get #live(): Live {
    return this.core.live
  }

  get started(): boolean {
    return this.#opening.started
  }

  get lastEventId(): string | null {
    return this.#opening.lastEventId
  }

  get buffered(): number {
    return this.#sink?.buffered ?? 0
  }

  get written(): number {
    return this.#written
  }

  send({ data, event, id }: StreamEvent): boolean {
    const name = event === undefined ? undefined : checkEventName(event)
    const sentId = id === undefined ? undefined : this.core.engine.eventId(this.session.id, id)
    if (this.ended) return false
    const bytes = encoder.encode(eventText(data, name, sentId))
    if (this.buffered + bytes.length > this.#live.settings.maxBuffered) {
      this.stalled()
      return false
    }
    this.#write(bytes)
    return true
  }

  drained(): Promise<boolean> {
    if (this.ended) return Promise.resolve(false)
    if (this.buffered === 0) return Promise.resolve(true)
    return new Promise((resolve) => {
      this.#waiting ??= []
      this.#waiting.push(resolve)
    })
  }

  end(): void {
    if (this.ended) return
    this.markEnded()
    // Attached until all of it is taken: what waits must not be delivered once the session has ended.
    this.#sink?.end()
  }

  // What the sink tells.

  taken(): void {
    if (this.buffered > 0) return
    this.#settleWaiting(!this.ended)
    if (this.ended) this.leave()
  }

  closed(): void {
    this.#isClosed = true
    this.leave()
  }

  // What the registry of open connections asks.

  beat(): void {
    if (!this.ended && this.buffered === 0) this.#write(heartbeat)
  }

  retire(): void {
    this.end()
  }

  cut(): void {
    this.#sink?.abort()
  }

  #write(bytes: Uint8Array): void {
    this.#written += bytes.length
    this.#sink?.write(bytes)
    this.#live.wrote(this)
  }

  protected giveUp(): void {
    this.end()
  }

  protected sayEnded(reason: SessionEndReason): void {
    if (this.#isClosed || this.#sink === undefined) return
    this.#sink.write(encoder.encode(eventText({ reason }, streamEvents.ended)))
    this.#sink.hold()
    this.#sink.end()
    this.#live.linger(this)
  }

  protected override markEnded(): void {
    super.markEnded()
    this.#settleWaiting(false)
  }

  #settleWaiting(open: boolean): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    for (const resolve of waiting ?? []) resolve(open)
  }
}
