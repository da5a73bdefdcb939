/** One open WebSocket: what is delivered to the app, what is sent, and its end. */
import type { Socket } from 'node:net'
import type { Session } from '../engine/session.ts'
import { closeCodes, type SessionEndReason } from '../shared/live.ts'
import type { Attributes } from '../store/store.ts'
import type { HttpCore } from './core.ts'
import { type Admitted, OpenConnection } from './open-connection.ts'
import { reset } from './sink-node.ts'

/** A WebSocket of `ws`, as far as it is used here. */
export interface WebSocketLike {
  readonly bufferedAmount: number
  readonly isPaused: boolean
  on(event: 'error', listener: (error: Error) => void): unknown
  emit(event: string | symbol, ...values: unknown[]): boolean
  send(data: string): void
  ping(): void
  pause(): void
  resume(): void
  close(code?: number, reason?: string): void
}

/** Whose WebSocket it is. */
export interface SocketSession<A extends Attributes = Attributes> {
  /** As it was when the connection was opened. Another identity takes another connection. */
  readonly session: Session<A>
  /** Ended, for whatever reason: nothing is delivered or sent any more. */
  readonly ended: boolean
  /** Aborts when the connection ends: pass it on to what works for it. */
  readonly signal: AbortSignal
}

export interface SocketParts extends Admitted<Attributes> {
  /** The connection below the WebSocket. */
  readonly raw: Socket
  readonly socket: WebSocketLike
}

type Values = readonly unknown[]

/** The methods that are stood in front of: the app, and any library that it hands the socket to, use them unawares. */
interface Guarded {
  emit: (event: string | symbol, ...values: unknown[]) => boolean
  send: (...values: unknown[]) => void
  pause: () => void
  resume: () => void
}

/** Heartbeats in a row after which nothing was heard: the other end is gone, although TCP does not know it yet. */
const mostUnheard = 2

export class GuardedSocket extends OpenConnection implements SocketSession {
  readonly #parts: SocketParts
  readonly #original: Guarded
  /** What came while the store was asked, in order; undefined while nothing waits. */
  #queue: Values[] | undefined
  #closing: Values | undefined
  /** By the app, which takes no more for now: it alone lets go on what it stopped. */
  #isPaused: boolean
  #heard = 0
  #unheard = 0

  constructor(core: HttpCore, parts: SocketParts) {
    super(core, parts)
    this.#parts = parts
    const socket = parts.socket as unknown as Guarded
    this.#isPaused = parts.socket.isPaused
    this.#original = {
      emit: socket.emit.bind(socket),
      send: socket.send.bind(socket),
      pause: socket.pause.bind(socket),
      resume: socket.resume.bind(socket),
    }
    socket.emit = (event, ...values) => this.#emit(event, values)
    socket.send = (...values) => this.#send(values)
    socket.pause = () => this.#pause()
    socket.resume = () => this.#resume()
  }

  begin(): void {
    // A frame that breaks the protocol is the client's fault, and must not end the process.
    this.#parts.socket.on('error', () => undefined)
    this.join()
  }

  // What the registry of open connections asks.

  get buffered(): number {
    return this.#parts.socket.bufferedAmount
  }

  get written(): number {
    return this.#parts.raw.bytesWritten
  }

  taken(): void {
    // Nobody waits for it: `ws` tells the app by itself.
  }

  beat(): void {
    if (this.ended) return
    const { socket, raw } = this.#parts
    this.#unheard = raw.bytesRead === this.#heard && !socket.isPaused ? this.#unheard + 1 : 0
    this.#heard = raw.bytesRead
    if (this.#unheard > mostUnheard) this.stalled()
    else if (this.buffered > 0) this.core.live.wrote(this)
    else socket.ping()
  }

  retire(): void {
    this.#endWith(closeCodes.goingAway)
  }

  cut(): void {
    if (!this.#parts.raw.destroyed) reset(this.#parts.raw)
  }

  // What the WebSocket tells the app, and the app sends.

  #emit(event: string | symbol, values: Values): boolean {
    if (event === 'message') {
      this.#receive(values)
      return true
    }
    if (event !== 'close') return this.#original.emit(event, ...values)
    // What came before the end is delivered before it is told.
    if (this.#queue !== undefined) this.#closing = values
    else this.#closed(values)
    return true
  }

  #receive(message: Values): void {
    if (this.ended) return
    if (this.#queue !== undefined) {
      this.#queue.push(message)
      return
    }
    const isServed = this.connection?.check() ?? false
    if (isServed === true) this.#deliver(message)
    else void this.#deliverInTurn([message])
  }

  #deliver(message: Values): void {
    this.connection?.note()
    this.#original.emit('message', ...message)
  }

  /** Not read from meanwhile, so that no more waits than has arrived already. */
  async #deliverInTurn(queue: Values[]): Promise<void> {
    this.#queue = queue
    this.#original.pause()
    try {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const isServed = await this.connection?.check()
        if (this.ended) break
        if (isServed === true) this.#deliver(next)
        // Dropping it unsaid would lose it: the client is to come again, and send it again.
        else this.#endWith(closeCodes.tryAgainLater)
      }
    } finally {
      this.#queue = undefined
      if (!this.#isPaused) this.#original.resume()
      if (this.#closing !== undefined) this.#closed(this.#closing)
    }
  }

  #pause(): void {
    this.#isPaused = true
    this.#original.pause()
  }

  #resume(): void {
    this.#isPaused = false
    if (this.#queue === undefined) this.#original.resume()
  }

  #closed(values: Values): void {
    this.leave()
    this.#original.emit('close', ...values)
  }

  #send(values: Values): void {
    if (this.ended) {
      const sent = values.at(-1)
      if (typeof sent === 'function') queueMicrotask(() => sent(new Error('the connection has ended')))
      return
    }
    this.#original.send(...values)
    const { buffered } = this
    if (buffered > this.core.live.settings.maxBuffered) this.stalled()
    else if (buffered > 0) this.core.live.wrote(this)
  }

  // How it ends.

  protected giveUp(cause: 'closing' | 'superseded' | 'unknown'): void {
    this.#endWith(cause === 'unknown' ? closeCodes.tryAgainLater : closeCodes.goingAway)
  }

  protected sayEnded(reason: SessionEndReason): void {
    this.#close(closeCodes.sessionEnded, reason)
  }

  /** The client is to connect again. Attached until it is gone: what waits must not be delivered once the session has ended. */
  #endWith(code: number): void {
    if (this.ended) return
    this.markEnded()
    this.#close(code, '')
  }

  #close(code: number, reason: string): void {
    this.#parts.socket.close(code, reason)
    this.core.live.linger(this)
  }
}
