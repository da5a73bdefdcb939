/** What stays open while there is a session: the conversation by EventSource, who is here by WebSocket. */

/** The session has ended, says the close of a WebSocket; its reason says why. */
const sessionEnded = 4401
const reconnectAfter = 1000

export class Live {
  #on
  #events
  #socket
  #timer

  /** `on.message`, `on.people`, and `on.ended` with the reason, which may come by both ways. */
  constructor(on) {
    this.#on = on
  }

  open() {
    this.close()
    this.#openEvents()
    this.#openSocket()
  }

  close() {
    clearTimeout(this.#timer)
    this.#events?.close()
    this.#socket?.close()
    this.#events = undefined
    this.#socket = undefined
  }

  #openEvents() {
    const events = new EventSource('events')
    this.#events = events
    events.addEventListener('message', ({ data }) => this.#on.message(JSON.parse(data)))
    events.addEventListener('session_ended', ({ data }) => this.#end(JSON.parse(data).reason))
    // It connects again by itself, with the id of the last event; closed, it was refused: the session is gone.
    events.addEventListener('error', () => {
      if (this.#events === events && events.readyState === EventSource.CLOSED) this.#on.lost()
    })
  }

  #openSocket() {
    const socket = new WebSocket(new URL('presence', location.href.replace(/^http/, 'ws')))
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => this.#on.people(JSON.parse(data)))
    socket.addEventListener('close', ({ code, reason }) => {
      if (this.#socket !== socket) return
      if (code === sessionEnded) this.#end(reason)
      else this.#timer = setTimeout(() => this.#openSocket(), reconnectAfter)
    })
  }

  #end(reason) {
    if (this.#events === undefined) return
    this.close()
    this.#on.ended(reason)
  }
}
