/** Session records into rows and back, as the statements of `postgres-sql.ts` have them. */
import { type RevocationReason, revocationReasons } from '../shared/codes.ts'
import { sessionIdPattern } from '../shared/session-id.ts'
import { damaged } from './field-checks.ts'
import type { PostgresValue, Row } from './postgres-pool.ts'
import { pack, unpack } from './postgres-record.ts'
import { fromColumnOrNull, toColumnOrNull } from './postgres-text.ts'
import type { SessionId, SessionRecord, Sighting } from './store.ts'

const idLength = 24
/** What stands before the data in the first column. */
const heads = 9

const numberOrNull = (text: string | undefined): number | null => (text ? Number(text) : null)
const textOrNull = (column: string | null | undefined): string | null => fromColumnOrNull(column ?? null)

/** Of a row as `recordOf` takes it. */
export const idOf = (row: Row): SessionId => String(row[0]).slice(0, idLength)

/** Throws when the row is damaged. */
export function recordOf(row: Row): SessionRecord {
  const joined = String(row[0])
  const head = joined.split(',', heads)
  const [id = '', createdAt, seenAt, idleExpiresAt, absoluteExpiresAt, revision, epoch, revokedAt, reason] = head
  const packed = unpack(id, joined.slice(head.join().length + 1))
  return {
    id,
    subject: textOrNull(row[1]),
    createdAt: Number(createdAt),
    authTime: packed.authTime,
    amr: packed.amr,
    acr: packed.acr,
    elevation: packed.elevation,
    seenAt: Number(seenAt),
    idleTimeout: packed.idleTimeout,
    idleExpiresAt: Number(idleExpiresAt),
    absoluteExpiresAt: Number(absoluteExpiresAt),
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
    lastIp: textOrNull(row[2]),
    userAgent: packed.userAgent,
    label: packed.label,
    attributes: packed.attributes,
    revokedAt: numberOrNull(revokedAt),
    reason: reasonOf(id, reason),
    revision: Number(revision),
    epoch: Number(epoch),
  }
}

function reasonOf(id: SessionId, text: string | undefined): RevocationReason | null {
  if (!text) return null
  const reason = revocationReasons.find((known) => known === text)
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
