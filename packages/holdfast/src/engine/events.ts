/** Security events, told to listeners in order, never with a secret. */
import type { EventKind } from '../shared/event-kinds.ts'
import type { Instant, SessionId } from '../store/store.ts'
import { runHook } from './hook.ts'

/** The kinds are the rows of `shared/event-kinds.ts`. */
export interface SecurityEvent {
  /** Version of this shape. */
  readonly schema: 1
  readonly at: Instant
  readonly kind: EventKind
  readonly session: SessionId | null
  /** Whom it is about. A name as typed is never told: it may be a password. */
  readonly subject: string | null
  /** Who did it, when that is another than the subject. */
  readonly actor: string | null
  /** The address that the request came from. */
  readonly ip: string | null
  /** What it was done to, when that is neither the session nor the subject: the id of a key, a route. */
  readonly object: string | null
  /** Why something was refused or ended, in a word that does not change. */
  readonly reason: string | null
  /** What was done about it, where there was a choice. */
  readonly outcome: string | null
}

export type EventListener = (event: SecurityEvent) => void
/** Where listeners' faults and background faults are told. */
export type FaultLogger = (fault: unknown, doing: string) => void

/** An event to tell: what is left out, or not known, is null. */
export type EventInput = Pick<SecurityEvent, 'kind'> & {
  readonly [Field in Exclude<keyof SecurityEvent, 'schema' | 'at' | 'kind'>]?: SecurityEvent[Field] | undefined
}

export class Events {
  readonly #listeners: Set<EventListener> = new Set()
  readonly #now: () => Instant
  readonly #onFault: FaultLogger

  constructor(now: () => Instant, onFault: FaultLogger) {
    this.#now = now
    this.#onFault = onFault
  }

  on(listener: EventListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  emit(input: EventInput): void {
    if (this.#listeners.size === 0) return
    // Field by field: what a caller passes beside them is told to nobody.
    const event: SecurityEvent = Object.freeze({
      schema: 1,
      at: this.#now(),
      kind: input.kind,
      session: input.session ?? null,
      subject: input.subject ?? null,
      actor: input.actor ?? null,
      ip: input.ip ?? null,
      object: input.object ?? null,
      reason: input.reason ?? null,
      outcome: input.outcome ?? null,
    })
    for (const listener of this.#listeners) {
      runHook(() => listener(event), this.#onFault, `telling a listener of ${event.kind}`)
    }
  }
}
