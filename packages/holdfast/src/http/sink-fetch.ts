/** A stream as the body of a fetch-style response. */
import type { Sink, SinkReceiver } from './sink.ts'

export class FetchSink implements Sink {
  readonly response: Response
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  readonly #receiver: SinkReceiver
  #isClosed = false

  constructor(headers: Readonly<Record<string, string>>, receiver: SinkReceiver) {
    this.#receiver = receiver
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller
        },
        // Asked for only when a reader waits and nothing is queued.
        pull: () => receiver.taken(),
        cancel: () => this.#closed(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: 0 }),
    )
    this.response = new Response(body, { headers })
  }

  get buffered(): number {
    return this.#isClosed ? 0 : -(this.#controller?.desiredSize ?? 0)
  }

  write(bytes: Uint8Array): void {
    if (!this.#isClosed) this.#controller?.enqueue(bytes)
  }

  end(): void {
    if (this.#isClosed) return
    this.#controller?.close()
    if (this.buffered === 0) this.#closed()
  }

  // The server behind a fetch handler owns the connection: what it has taken is out of reach from here.
  hold(): void {}

  abort(): void {
    // Drops what is queued; does nothing to a body that was read to its end.
    this.#controller?.error(new Error('the stream was cut off'))
    this.#closed()
  }

  #closed(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#receiver.closed()
  }
}
