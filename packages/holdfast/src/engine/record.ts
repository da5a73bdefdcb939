/** The life of a record, as pure functions of the record and an instant. */
import type { DeadReason } from '../shared/codes.ts'
import type { Elevation, Instant, SessionRecord, Sighting } from '../store/store.ts'

/** Why a record is not live at `now`, or undefined when it is. Both limits are the first instant of being over. */
export function endOf(record: SessionRecord, now: Instant): DeadReason | undefined {
  if (record.reason !== null) return record.reason
  if (record.revokedAt !== null) return 'admin'
  // Written as "not before", so that a limit that is not a number is over and never endless.
  if (!(now < record.absoluteExpiresAt)) return 'absolute-timeout'
  if (!(now < record.idleExpiresAt)) return 'idle-timeout'
  return undefined
}

/** The step-up that holds at `now`. */
export function elevationAt({ elevation }: Pick<SessionRecord, 'elevation'>, now: Instant): Elevation | null {
  return elevation !== null && now < elevation.until ? elevation : null
}

/** What opens the session until `regenerate` replaces it: the digest of its secret, or the salt of its access tokens. */
export function openerOf({ digest, grant }: SessionRecord): string {
  return grant?.salt ?? digest
}

/** Whether what opened the session then is dead now. What a step-up replaced is not: its holders go on, without the new rights. */
export function isSuperseded(opener: string, record: SessionRecord): boolean {
  return opener !== openerOf(record) && opener !== record.previous?.digest
}

const longestTouchInterval = 60_000

/** How long activity goes unrecorded: a tenth of the idle limit, at most a minute. It can only end a session early. */
export function touchInterval(record: Pick<SessionRecord, 'idleTimeout'>): number {
  return Math.min(Math.floor(record.idleTimeout / 10), longestTouchInterval)
}

/** The sighting of a live record at `now`; the idle limit never passes the absolute one. */
export function sightingOf(
  record: Pick<SessionRecord, 'id' | 'idleTimeout' | 'absoluteExpiresAt' | 'lastIp'>,
  now: Instant,
  ip: string | null,
): Sighting {
  const idleExpiresAt = Math.min(now + record.idleTimeout, record.absoluteExpiresAt)
  return { id: record.id, seenAt: now, idleExpiresAt, ip: ip ?? record.lastIp }
}

/** The record as it stands once a sighting is stored: forward only, like the store. */
export function withSighting(record: SessionRecord, sighting: Sighting): SessionRecord {
  return {
    ...record,
    seenAt: Math.max(record.seenAt, sighting.seenAt),
    idleExpiresAt: Math.max(record.idleExpiresAt, sighting.idleExpiresAt),
    lastIp: sighting.ip ?? record.lastIp,
  }
}
