/** Who is here: each WebSocket is told whenever somebody comes or goes. */
import type { Session } from 'holdfast'
import type { WebSocket } from 'ws'

/** A session as the others see it. */
interface Shown {
  readonly session: string
  readonly name: string
  readonly you: boolean
}

const mostShown = 50

function nameOf({ id, subject }: Session): string {
  return subject ?? `Visitor ${id.slice(-4)}`
}

export class Presence {
  readonly #sockets = new Map<WebSocket, Session>()
  #isTelling = false

  join(socket: WebSocket, session: Session): void {
    this.#sockets.set(socket, session)
    socket.on('close', () => {
      this.#sockets.delete(socket)
      this.#tell()
    })
    this.#tell()
  }

  /** Once for all who come and go in the same turn. */
  #tell(): void {
    if (this.#isTelling) return
    this.#isTelling = true
    setImmediate(() => {
      this.#isTelling = false
      const sessions = new Map([...this.#sockets.values()].map((session) => [session.id, session]))
      for (const [socket, own] of this.#sockets) socket.send(JSON.stringify(this.#viewOf(own, sessions)))
    })
  }

  #viewOf(own: Session, sessions: ReadonlyMap<string, Session>): object {
    const others = [...sessions.values()].filter(({ id }) => id !== own.id)
    const people: Shown[] = [own, ...others.slice(0, mostShown)].map((session) => ({
      session: session.id,
      name: nameOf(session),
      you: session.id === own.id,
    }))
    return { people, count: sessions.size, operator: own.attributes.role === 'operator' }
  }
}
