/** Security events: one typed catalogue, told to listeners in order, never with a secret. */
import type { DeadReason } from '../shared/codes.ts'
import type { Instant, SessionId } from '../store/store.ts'
import { runHook } from './hook.ts'

/** OWASP logging vocabulary where it has a word, the same style where it has none. */
export const eventKinds = {
  session_created: 'A session was issued',
  session_renewed: 'The secret of a session was replaced',
  session_promoted: 'An anonymous session became a signed-in one',
  session_elevated: 'A step-up was recorded',
  session_updated: 'Attributes of a session changed',
  session_revoked: 'A session was ended',
  session_evicted: 'A session was ended to keep the limit',
  session_expired: 'A session met its idle or absolute limit',
  session_use_after_expire: 'The token of an expired session was presented',
  session_use_after_revoke: 'The token of a revoked session was presented',
  session_token_superseded: 'A replaced secret was presented',
  session_token_invalid: 'A token that this service never issued was presented',
  session_binding_mismatch: 'A token was presented by another kind of client',
  session_ip_changed: 'A session was used from another network',
  session_everyone_out: 'Every session was ended',
  session_check_unavailable: 'A session could not be checked',
  api_key_created: 'An API key was made',
  api_key_revoked: 'An API key was ended',
  api_key_missing: 'A request came without the API key that it needs',
  api_key_malformed: 'Something that is no API key was presented as one',
  api_key_unknown: 'An API key that does not exist was presented',
  api_key_use_after_end: 'An expired or revoked API key was presented',
  api_key_source_refused: 'An API key was presented from a network that it is not for',
} as const

export type EventKind = keyof typeof eventKinds

export interface SecurityEvent {
  readonly schema: 1
  readonly at: Instant
  readonly kind: EventKind
  readonly session: SessionId | null
  readonly subject: string | null
  /** The address that the request came from. */
  readonly ip: string | null
  readonly reason: DeadReason | null
  /** What was done about it, where there was a choice. */
  readonly outcome: string | null
}

export type EventListener = (event: SecurityEvent) => void
/** Where listeners' faults and background faults are told. */
export type FaultLogger = (fault: unknown, doing: string) => void

type EventInput = Pick<SecurityEvent, 'kind'> & Partial<Omit<SecurityEvent, 'schema' | 'kind'>>

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
    const event: SecurityEvent = Object.freeze({
      schema: 1,
      at: this.#now(),
      session: null,
      subject: null,
      ip: null,
      reason: null,
      outcome: null,
      ...input,
    })
    for (const listener of this.#listeners) {
      runHook(() => listener(event), this.#onFault, `telling a listener of ${event.kind}`)
    }
  }
}
