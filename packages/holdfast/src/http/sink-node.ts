/** A stream over Node's own response. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'
import type { Sink, SinkReceiver } from './sink.ts'

/**
 * Node closes the descriptor of a connection that is not kept as soon as its last byte is with the kernel, which then
 * goes on sending to a reader that may come back much later. Closed by the client instead, it can be cut until then.
 */
function closeByClient(socket: Socket): void {
  socket.destroySoon = () => {
    socket.end()
  }
}

/** Drops also what the kernel has not sent: a closed connection would still deliver it. */
export function reset(socket: Pick<Socket, 'destroy'> & Partial<Pick<Socket, 'resetAndDestroy'>>): void {
  try {
    // Throws on what is not plain TCP, such as TLS and UNIX sockets.
    if (socket.resetAndDestroy !== undefined) socket.resetAndDestroy()
  } catch {
    // Closed in the ordinary way then.
  }
  socket.destroy()
}

const isHttp2 = (response: object): response is Http2ServerResponse => 'stream' in response

class NodeSink implements Sink {
  readonly #response: ServerResponse
  /** Kept here: Node takes it off the response when that has ended. */
  readonly #socket: Socket | null
  #isClosed = false

  constructor(response: ServerResponse, receiver: SinkReceiver) {
    this.#response = response
    this.#socket = isHttp2(response) ? null : response.socket
    const closed = () => {
      if (this.#isClosed) return
      this.#isClosed = true
      receiver.closed()
    }
    response.on('drain', () => receiver.taken())
    // A reset while writing is an end like any other; unheard, it would end the process.
    response.on('error', closed)
    response.on('close', closed)
    if (response.destroyed || response.closed || this.#socket?.destroyed === true) queueMicrotask(closed)
  }

  get buffered(): number {
    return this.#isClosed ? 0 : this.#response.writableLength
  }

  write(bytes: Uint8Array): void {
    if (!this.#isClosed) this.#response.write(bytes)
  }

  end(): void {
    this.#response.end()
  }

  hold(): void {
    if (this.#socket !== null) closeByClient(this.#socket)
  }

  abort(): void {
    if (this.#socket === null) (this.#response as unknown as Http2ServerResponse).stream?.close(cancelled)
    else if (!this.#socket.destroyed) reset(this.#socket)
  }
}

/** `CANCEL` of RFC 9113. */
const cancelled = 8

/** Sends the head and opens the body. Headers that were set on the response before stay. */
export function openNodeSink(
  request: IncomingMessage,
  response: ServerResponse,
  headers: Readonly<Record<string, string>>,
  receiver: SinkReceiver,
): Sink {
  const sink = new NodeSink(response, receiver)
  const { socket } = request
  if (isHttp2(response)) response.writeHead(200, headers)
  else {
    socket.setKeepAlive(true, keepAliveProbe)
    response.writeHead(200, { ...headers, connection: 'close' })
  }
  response.flushHeaders()
  return sink
}

/** Idle time before the kernel asks whether the other end is still there, in ms. */
const keepAliveProbe = 30_000
