/** The public view of a session: what an app may see and show. No digest, no secret. */
import type { DeadReason, RevocationReason, UnknownCode } from '../shared/codes.ts'
import { deepFreeze } from '../shared/deep-freeze.ts'
import type { Attributes, Instant, Origin, SessionId, SessionRecord, TokenGrant } from '../store/store.ts'
import { openerOf } from './record.ts'

export interface Session<A extends Attributes = Attributes> {
  readonly id: SessionId
  /** Whose session it is; null for an anonymous visitor. */
  readonly subject: string | null
  readonly anonymous: boolean
  readonly createdAt: Instant
  readonly authTime: Instant | null
  readonly amr: readonly string[]
  readonly acr: string | null
  /** Until when a step-up holds; null when there is none. Compare with the clock, or let `requireSession` do it. */
  readonly elevatedUntil: Instant | null
  /** When that step-up was made; null when there is none. */
  readonly elevatedAt: Instant | null
  /** A changed client asks for a step-up before anything sensitive (`fingerprint` or `ipChange` set to `step-up`). */
  readonly stepUpRequired: boolean
  readonly seenAt: Instant
  readonly idleExpiresAt: Instant
  readonly absoluteExpiresAt: Instant
  readonly persistent: boolean
  /** How it is carried by access and refresh tokens; null for a session carried by one secret. */
  readonly grant: Omit<TokenGrant, 'salt'> | null
  readonly origin: Origin
  readonly firstIp: string | null
  readonly lastIp: string | null
  readonly userAgent: string | null
  readonly label: string
  readonly attributes: A
  readonly revokedAt: Instant | null
  readonly reason: RevocationReason | null
}

/**
 * The answer of `verify`. A tagged union on purpose: "cannot tell" can be read neither as signed in nor as
 * signed out, and an `if (verdict)` cannot pass an error.
 */
export type Verdict<A extends Attributes = Attributes> =
  | { readonly status: 'live'; readonly session: Session<A> }
  | { readonly status: 'dead'; readonly reason: DeadReason }
  | { readonly status: 'unknown'; readonly code: UnknownCode; readonly retryAfter: number }

/** What a request tells about its client. All of it is optional: a job or a test may have none. */
export interface RequestContext {
  /** The client's address, already resolved through trusted proxies. */
  readonly ip?: string | undefined
  readonly userAgent?: string | undefined
}

/** What a request for fresh tokens tells of its client. */
export interface RefreshContext extends RequestContext {
  /** The OAuth `client_id`. Tokens that were issued to one are refreshed for no other. */
  readonly clientId?: string | undefined
}

export interface Issued<A extends Attributes = Attributes> {
  readonly session: Session<A>
  /** The secret to hand to the client, once. It cannot be had again. An access token when tokens carry the session. */
  readonly token: string
  /** Present when a session that is carried by tokens got a new refresh token; the one before is dead. */
  readonly refreshToken?: string
}

/** Access and refresh token of one session, to hand to its client. */
export interface IssuedTokens<A extends Attributes = Attributes> {
  readonly session: Session<A>
  readonly accessToken: string
  readonly accessExpiresAt: Instant
  readonly refreshToken: string
}

/** The answer of `refresh`: `unknown` spent nothing that a repetition could not have again. */
export type RefreshVerdict<A extends Attributes = Attributes> =
  | ({ readonly status: 'live' } & IssuedTokens<A>)
  | { readonly status: 'dead'; readonly reason: DeadReason }
  | { readonly status: 'unknown'; readonly code: UnknownCode; readonly retryAfter: number }

export interface ViewFlags {
  /** False for a secret that a step-up replaced: it keeps the old rights for a few seconds, not the new. */
  readonly elevated: boolean
  readonly stepUpRequired: boolean
}

/** What a view shows to nobody: what opened the session as it stood when the view was made, and when in its life that was. */
export interface Opening {
  /** See `openerOf`. */
  readonly opener: string
  readonly revision: number
}

function asItIs(value: object): object {
  return value
}

/**
 * Puts the record that a view was made of on the view itself, in a private field, which no copy, output or comparison has. A
 * weak map does the same and costs a microsecond a view, most of it in the garbage collector.
 */
class MadeOf extends (asItIs as unknown as new (view: object) => object) {
  readonly #record: SessionRecord

  constructor(view: object, record: SessionRecord) {
    super(view)
    this.#record = record
  }

  static recordOf(view: object): SessionRecord | undefined {
    return #record in view ? view.#record : undefined
  }
}

export function openingBy(record: SessionRecord): Opening {
  return { opener: openerOf(record), revision: record.revision }
}

/** Undefined for what is no view of this process, such as a copy. */
export function openingOf(view: Session): Opening | undefined {
  const record = MadeOf.recordOf(view)
  return record && openingBy(record)
}

function grantOf(grant: TokenGrant | null): Session['grant'] {
  return grant && Object.freeze({ format: grant.format, audience: grant.audience, clientId: grant.clientId })
}

/** The view is shared by every request that presents the session, so nothing in it can be changed. */
export function viewOf<A extends Attributes>(record: SessionRecord, flags: ViewFlags): Session<A> {
  const elevation = flags.elevated ? record.elevation : null
  const view = {
    id: record.id,
    subject: record.subject,
    anonymous: record.subject === null,
    createdAt: record.createdAt,
    authTime: record.authTime,
    amr: Object.freeze(elevation?.amr ?? record.amr),
    acr: elevation?.acr ?? record.acr,
    elevatedUntil: elevation?.until ?? null,
    elevatedAt: elevation?.since ?? null,
    stepUpRequired: flags.stepUpRequired,
    seenAt: record.seenAt,
    idleExpiresAt: record.idleExpiresAt,
    absoluteExpiresAt: record.absoluteExpiresAt,
    persistent: record.persistent,
    grant: grantOf(record.grant),
    origin: record.origin,
    firstIp: record.firstIp,
    lastIp: record.lastIp,
    userAgent: record.userAgent,
    label: record.label,
    attributes: deepFreeze(record.attributes) as A,
    revokedAt: record.revokedAt,
    reason: record.reason,
  }
  new MadeOf(view, record)
  return Object.freeze(view)
}
