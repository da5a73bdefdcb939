/** What a token that is not accepted is answered with, and the event that it raises: for checks and refreshes alike. */
import type { DeadReason } from '../shared/codes.ts'
import type { EventKind } from '../shared/event-kinds.ts'
import type { SessionRecord } from '../store/store.ts'
import type { Core } from './core.ts'
import { HoldfastError, retryAfterSeconds } from './errors.ts'
import type { RequestContext, Verdict } from './session.ts'
import { longestToken, type ParsedToken } from './token.ts'

export type Dead = Extract<Verdict, { readonly status: 'dead' }>
export type Unknown = Extract<Verdict, { readonly status: 'unknown' }>

export const missing: Dead = Object.freeze({ status: 'dead', reason: 'missing' })

/** A presented text as a token of ours; `undefined` for anything else. */
export function readToken(core: Core, text: unknown): ParsedToken | undefined {
  return typeof text === 'string' && text.length <= longestToken ? core.tokens.parse(text) : undefined
}

/** The event that a dead verdict raises; the others are everyday. */
const deadEvents: Partial<Record<DeadReason, EventKind>> = {
  invalid: 'session_token_invalid',
  'not-found': 'session_token_invalid',
  superseded: 'session_token_superseded',
  'idle-timeout': 'session_use_after_expire',
  'absolute-timeout': 'session_use_after_expire',
  'token-expired': 'session_use_after_expire',
}

export function deadFor(
  { events }: Core,
  reason: DeadReason,
  record: SessionRecord | undefined,
  client: RequestContext | null,
  outcome: string | null = null,
): Dead {
  const kind = deadEvents[reason] ?? 'session_use_after_revoke'
  const { id = null, subject = null } = record ?? {}
  events.emit({ kind, reason, session: id, subject, ip: client?.ip ?? null, outcome })
  return { status: 'dead', reason }
}

/** Throws `invalid-request` on: a call of the wrong type is a mistake of the app, not a store that cannot tell. */
export function unknownFor({ events }: Core, fault: unknown, client: RequestContext | null): Unknown {
  if (fault instanceof HoldfastError && fault.code === 'invalid-request') throw fault
  const code = fault instanceof HoldfastError && fault.code === 'crypto-unavailable' ? 'crypto-unavailable' : 'store-unavailable'
  events.emit({ kind: 'session_check_unavailable', ip: client?.ip ?? null, outcome: code })
  return { status: 'unknown', code, retryAfter: retryAfterSeconds[code] }
}
