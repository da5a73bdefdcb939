/**
 * What anyone who can reach the service may raise as often as they like, without a credential: beyond a budget such events are
 * counted, not recorded, so that a flood of one kind neither fills the store nor drives the others out.
 */
import type { Clock } from '../engine/clock.ts'
import type { EventKind } from '../shared/event-kinds.ts'

/** Sign-ins are not here: the lockout and the limits bound how many are tried. */
const anyoneRaises: ReadonlySet<EventKind> = new Set([
  'session_token_invalid',
  'session_check_unavailable',
  'api_key_missing',
  'api_key_malformed',
  'api_key_unknown',
  'setup_refused',
])

const windowMs = 60_000

export class EventFlood {
  readonly #clock: Clock
  readonly #most: number
  readonly #tell: (kind: EventKind, count: number) => void
  /** Of each kind, since the window began. */
  readonly #counts: Map<EventKind, number> = new Map()
  #cancel: (() => void) | undefined

  /** `tell`: called at the end of a minute of each kind that went beyond `most`, with how many were held back. */
  constructor(clock: Clock, most: number, tell: (kind: EventKind, count: number) => void) {
    this.#clock = clock
    this.#most = most
    this.#tell = tell
  }

  /** Counts an event. True: it is one too many in this minute. */
  holdsBack(kind: EventKind): boolean {
    if (!anyoneRaises.has(kind)) return false
    this.#cancel ??= this.#clock.after(windowMs, () => this.end())
    const count = (this.#counts.get(kind) ?? 0) + 1
    this.#counts.set(kind, count)
    return count > this.#most
  }

  /** Tells what was held back, and begins anew. */
  end(): void {
    this.#cancel?.()
    this.#cancel = undefined
    const counts = [...this.#counts]
    this.#counts.clear()
    for (const [kind, count] of counts) if (count > this.#most) this.#tell(kind, count - this.#most)
  }
}
