/** Where the bytes of a stream go: Node's response, or the body of a fetch-style one. */

export interface Sink {
  /** Bytes handed over that the connection has not taken yet. */
  readonly buffered: number
  write(bytes: Uint8Array): void
  /** Ends it after what was written. */
  end(): void
  /** Before `end`: keeps the connection until the client closes it, so that it can still be cut. */
  hold(): void
  /** Cuts it off: nothing that is still on this side is sent. */
  abort(): void
}

/** What a sink tells its stream. */
export interface SinkReceiver {
  /** Something was taken, most likely all. */
  taken(): void
  /** The client, or the server, is gone; told once. */
  closed(): void
}

/** Sends the head of the response and opens its body. */
export type OpenSink<S extends Sink = Sink> = (headers: Readonly<Record<string, string>>, receiver: SinkReceiver) => S
