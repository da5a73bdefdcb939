/** Session records into rows and back, as the statements of `postgres-sql.ts` have them. */
import { type RevocationReason, revocationReasons } from '../shared/codes.ts'
import { sessionIdPattern } from '../shared/session-id.ts'
import { damaged } from './field-checks.ts'
import type { PostgresValue, Row } from './postgres-pool.ts'
import { pack, unpack } from './postgres-record.ts'
import { fromColumnOrNull, toColumnOrNull } from './postgres-text.ts'
import type { SessionId, SessionRecord, Sighting } from './store.ts'

const numberOrNull = (column: string | null | undefined): number | null => (column == null ? null : Number(column))
const textOrNull = (column: string | null | undefined): string | null => fromColumnOrNull(column ?? null)

/** Throws when the row is damaged. */
export function recordOf(row: Row): SessionRecord {
  const id = String(row[0])
  const packed = unpack(id, String(row[11]))
  return {
    id,
    subject: textOrNull(row[1]),
    createdAt: Number(row[2]),
    authTime: packed.authTime,
    amr: packed.amr,
    acr: packed.acr,
    elevation: packed.elevation,
    seenAt: Number(row[3]),
    idleTimeout: packed.idleTimeout,
    idleExpiresAt: Number(row[4]),
    absoluteExpiresAt: Number(row[5]),
    digest: packed.digest,
    previous: packed.previous,
    generation: packed.generation,
    nonce: packed.nonce,
    rotatedAt: packed.rotatedAt,
    grant: packed.grant,
    binding: packed.binding,
    origin: packed.origin,
    persistent: packed.persistent,
    firstIp: packed.firstIp,
    lastIp: textOrNull(row[6]),
    userAgent: packed.userAgent,
    label: packed.label,
    attributes: packed.attributes,
    revokedAt: numberOrNull(row[7]),
    reason: reasonOf(id, row[8]),
    revision: Number(row[9]),
    epoch: Number(row[10]),
  }
}

function reasonOf(id: SessionId, column: string | null | undefined): RevocationReason | null {
  if (column == null) return null
  const reason = revocationReasons.find((known) => known === column)
  if (reason === undefined) throw damaged(id, 'reason')
  return reason
}

/** The parameters of an insertion. */
export function rowValues(record: SessionRecord): PostgresValue[] {
  const { id, subject, createdAt, seenAt, idleExpiresAt, absoluteExpiresAt, revokedAt, reason, lastIp } = record
  const times = [createdAt, seenAt, idleExpiresAt, absoluteExpiresAt]
  return [id, toColumnOrNull(subject), ...times, revokedAt, reason, toColumnOrNull(lastIp), pack(record)]
}

/** Ids as `string_agg` joins them. */
export function idsIn(joined: string | null | undefined): SessionId[] {
  return joined == null || joined === '' ? [] : joined.split(',')
}

/** One sighting for each id, the furthest: an update takes any one of several rows that match. */
export function latestOf(sightings: readonly Sighting[]): readonly Sighting[] {
  const latest = new Map<SessionId, Sighting>()
  for (const sighting of sightings) {
    if (!sessionIdPattern.test(sighting.id)) continue
    const known = latest.get(sighting.id)
    latest.set(sighting.id, known === undefined ? sighting : furthest(known, sighting))
  }
  return [...latest.values()]
}

function furthest(a: Sighting, b: Sighting): Sighting {
  const { id, seenAt, ip } = b.seenAt > a.seenAt ? b : a
  return { id, seenAt, ip, idleExpiresAt: Math.max(a.idleExpiresAt, b.idleExpiresAt) }
}
