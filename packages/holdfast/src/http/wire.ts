/** Sessions and tokens as they leave the process: the wire shapes, times in ISO 8601. */
import type { Session } from '../engine/session.ts'
import type { SessionWire, TokenPairWire } from '../shared/wire.ts'
import type { Instant, SessionId } from '../store/store.ts'

export function isoTime(at: Instant): string {
  return new Date(at).toISOString()
}

/** `current` is the id of the session that asks. */
export function sessionWire(session: Session, current: SessionId | null): SessionWire {
  return {
    id: session.id,
    subject: session.subject,
    current: session.id === current,
    label: session.label,
    ip: session.lastIp,
    createdAt: isoTime(session.createdAt),
    seenAt: isoTime(session.seenAt),
    idleExpiresAt: isoTime(session.idleExpiresAt),
    absoluteExpiresAt: isoTime(session.absoluteExpiresAt),
    amr: session.amr,
    origin: session.origin,
    ...(session.revokedAt === null ? {} : { revokedAt: isoTime(session.revokedAt) }),
    ...(session.reason === null ? {} : { reason: session.reason }),
  }
}

/** An access token and what it is refreshed with. */
export interface TokenPair {
  readonly accessToken: string
  readonly accessExpiresAt: Instant
  /** Null when a cookie carries it. */
  readonly refreshToken: string | null
}

/** `now` is the instant of the answer: clients are told what is left (RFC 6749 section 5.1). */
export function tokenPairWire({ accessToken, accessExpiresAt, refreshToken }: TokenPair, now: Instant): TokenPairWire {
  return {
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: Math.max(0, Math.floor((accessExpiresAt - now) / 1000)),
    ...(refreshToken === null ? {} : { refresh_token: refreshToken }),
  }
}
