/** What was said in each session. It is in memory, so it lasts as long as this process; a real chat has a database. */
export interface Message {
  readonly number: number
  readonly from: 'you' | 'echo'
  readonly text: string
  /** The number of the message that this one answers. */
  readonly answers?: number
}

const mostMessages = 200
const mostConversations = 10_000

export class Conversation {
  readonly #messages: Message[] = []
  readonly #followers = new Set<(message: Message) => void>()
  #last = 0

  say(message: Omit<Message, 'number'>): Message {
    this.#last += 1
    const said = { number: this.#last, ...message }
    this.#messages.push(said)
    if (this.#messages.length > mostMessages) this.#messages.shift()
    for (const tell of this.#followers) tell(said)
    return said
  }

  /** Tells what was said after a message, and from then on what is said, until the signal aborts. */
  follow(after: number, tell: (message: Message) => void, signal: AbortSignal): void {
    for (const message of this.#messages) if (message.number > after) tell(message)
    if (signal.aborted) return
    this.#followers.add(tell)
    signal.addEventListener('abort', () => this.#followers.delete(tell))
  }
}

export class Conversations {
  readonly #byId = new Map<string, Conversation>()

  /** Past the limit the one that was silent for longest is forgotten: visitors come without end. */
  of(id: string): Conversation {
    const conversation = this.#byId.get(id) ?? new Conversation()
    this.#byId.delete(id)
    this.#byId.set(id, conversation)
    const [oldest] = this.#byId.keys()
    if (this.#byId.size > mostConversations && oldest !== undefined) this.#byId.delete(oldest)
    return conversation
  }
}
