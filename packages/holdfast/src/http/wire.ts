/** Sessions as they leave the process: the wire shape, times in ISO 8601. */
import type { Session } from '../engine/session.ts'
import type { SessionWire } from '../shared/wire.ts'
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
