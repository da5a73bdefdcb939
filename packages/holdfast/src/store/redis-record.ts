/**
 * Session records into text and back. A record is
 *
 *   RS · id without its slot tag 20 · createdAt 9 · seenAt 9 · idleExpiresAt 9 · absoluteExpiresAt 9 · revision 5 ·
 *   epoch 5 · lastIp US subject US body [GS what a later release added] [FS instant, reason of revocation]
 *
 * Numbers stand in fixed places (base 36; the epoch decimal, as scripts count it), so that scripts compare and change
 * them without knowing the rest. The sessions of one slot tag are such records one after the other.
 */
import { revocationReasons } from '../shared/codes.ts'
import { JsonReader } from './memory-json.ts'
import { mark, packText, packUserAgent, same, unpackText, unpackUserAgent } from './redis-text.ts'
import type { Attributes, Instant, JsonValue, Origin, Revocation, SessionId, SessionRecord, TokenGrant } from './store.ts'

/** Offsets from the mark that begins a record. */
const place = { id: 1, createdAt: 21, seenAt: 30, idle: 39, absolute: 48, revision: 57, epoch: 62, rest: 67 } as const
const widths = { instant: 9, revision: 5, epoch: 5 } as const

/** Salt, whether the tokens are JWTs, audience, client. */
type PackedGrant = readonly [salt: string, isJwt: 0 | 1, audience: string | null, clientId: string | null]

/** What few sessions have. Fields that are null are left out. */
interface Rare {
  readonly acr?: string
  readonly elevation?: NonNullable<SessionRecord['elevation']>
  readonly previous?: NonNullable<SessionRecord['previous']>
  readonly nonce?: string
  readonly rotatedAt?: Instant
  readonly grant?: PackedGrant
  readonly jkt?: string
  readonly deviceKey?: string
}

/** The parts of a record's text, as scripts take them. */
export interface PackedRecord {
  readonly createdAt: string
  readonly seenAt: string
  readonly idleExpiresAt: string
  readonly absoluteExpiresAt: string
  readonly revision: string
  readonly lastIp: string
  readonly subject: string
  readonly body: string
}

function base36(value: number, width: number): string {
  const text = Number.isSafeInteger(value) && value >= 0 ? value.toString(36) : ''
  if (text === '' || text.length > width) throw new RangeError(`${value} is out of the range of a stored session`)
  return text.padStart(width, '0')
}

export const packInstant = (instant: Instant): string => base36(instant, widths.instant)
export const unpackInstant = (text: string): Instant => Number.parseInt(text, 36)
export const packRevision = (revision: number): string => base36(revision, widths.revision)
export const packRevocation = ({ at, reason }: Revocation): string => `${packInstant(at)}${reason}`

/** Throws a `RangeError` for an instant before 1970 or a number that a session never reaches. */
export function packRecord(record: SessionRecord, isNew: boolean): PackedRecord {
  return {
    createdAt: packInstant(record.createdAt),
    seenAt: packInstant(record.seenAt),
    idleExpiresAt: packInstant(record.idleExpiresAt),
    absoluteExpiresAt: packInstant(record.absoluteExpiresAt),
    revision: packRevision(record.revision),
    lastIp: packText(record.lastIp),
    subject: packText(record.subject),
    body: packBody(record, isNew),
  }
}

const plainMethod = /^[\w.:-]+$/

/** Of a new record, whose creation and address stand in it already; a stored one keeps its own, so nothing refers to them. */
function packBody(record: SessionRecord, isNew: boolean): string {
  const { authTime, firstIp, amr, generation, binding, origin, attributes } = record
  const rare = packRare(record)
  return [
    authTime === null ? '' : isNew && authTime === record.createdAt ? same : authTime.toString(36),
    amr.every((method) => plainMethod.test(method)) ? amr.join(',') : JSON.stringify(amr),
    record.idleTimeout.toString(36),
    packText(record.digest),
    generation === 0 ? '' : generation.toString(36),
    packText(binding.fingerprint),
    origin === 'local' ? '' : packText(origin),
    record.persistent ? '1' : '',
    isNew && firstIp !== null && firstIp === record.lastIp ? same : packText(firstIp),
    packUserAgent(record.userAgent),
    packText(record.label),
    Object.keys(attributes).length === 0 ? '' : JSON.stringify(attributes),
    rare === '{}' ? '' : rare,
  ].join(mark.field)
}

function packRare({ acr, elevation, previous, nonce, rotatedAt, grant, binding: { jkt, deviceKey } }: SessionRecord): string {
  const rare = Object.entries({ acr, elevation, previous, nonce, rotatedAt, grant: packGrant(grant), jkt, deviceKey })
  return JSON.stringify(Object.fromEntries(rare.filter(([, value]) => value !== null)))
}

function packGrant(grant: TokenGrant | null): PackedGrant | null {
  return grant === null ? null : [grant.salt, grant.format === 'jwt' ? 1 : 0, grant.audience, grant.clientId]
}

function unpackGrant(packed: PackedGrant | undefined): TokenGrant | null {
  if (packed === undefined) return null
  const [salt, isJwt, audience, clientId] = packed
  if (typeof salt !== 'string') throw new TypeError('its grant is none')
  return { salt, format: isJwt === 1 ? 'jwt' : 'opaque', audience, clientId }
}

/** Where the record of this id begins in the text of its slot tag; -1 when it is not there. */
export function seek(text: string, id: SessionId): number {
  return text.indexOf(mark.record + id.slice(4))
}

/** Ids of all records in the text of a slot tag. */
export function idsIn(text: string, tag: string): SessionId[] {
  return text
    .split(mark.record)
    .slice(1)
    .map((record) => tag + record.slice(0, 20))
}

const json: JsonReader = new JsonReader()

/** The record that begins at `from`. Throws when it is damaged: never default values. */
export function unpackRecord(text: string, from: number, id: SessionId): SessionRecord {
  try {
    return unpack(text, from, id)
  } catch (fault) {
    // Names the record, never what stands in it.
    throw new Error(`the stored session ${id} is damaged`, { cause: fault instanceof TypeError ? fault : undefined })
  }
}

function unpack(text: string, from: number, id: SessionId): SessionRecord {
  const end = find(text, mark.record, from + 1, text.length)
  const revocation = find(text, mark.revocation, from, end)
  const fields = text.slice(from + place.rest, find(text, mark.later, from, revocation)).split(mark.field)
  if (fields.length !== 15) throw new TypeError('it has not all of its fields')
  const field = (at: number): string => fields[at] ?? ''
  const createdAt = numberAt(text, from + place.createdAt, widths.instant)
  const rare = objectOf(field(14)) as Rare
  const revoked = revocation === end ? undefined : unpackRevocation(text.slice(revocation + 1, end))
  return {
    id,
    subject: unpackText(field(1)),
    createdAt,
    authTime: authTimeOf(field(2), createdAt),
    amr: methods(field(3)),
    acr: rare.acr ?? null,
    elevation: rare.elevation ?? null,
    seenAt: numberAt(text, from + place.seenAt, widths.instant),
    idleTimeout: whole36(field(4)),
    idleExpiresAt: numberAt(text, from + place.idle, widths.instant),
    absoluteExpiresAt: numberAt(text, from + place.absolute, widths.instant),
    digest: unpackText(field(5)) ?? '',
    previous: rare.previous ?? null,
    generation: whole36(field(6) || '0'),
    nonce: rare.nonce ?? null,
    rotatedAt: rare.rotatedAt ?? null,
    grant: unpackGrant(rare.grant),
    binding: { fingerprint: unpackText(field(7)), jkt: rare.jkt ?? null, deviceKey: rare.deviceKey ?? null },
    origin: (unpackText(field(8)) ?? 'local') as Origin,
    persistent: field(9) === '1',
    firstIp: unpackText(sameAs(field(0), field(10))),
    lastIp: unpackText(field(0)),
    userAgent: unpackUserAgent(field(11)),
    label: unpackText(field(12)) ?? '',
    attributes: objectOf(field(13)) as Attributes,
    revokedAt: revoked?.at ?? null,
    reason: revoked?.reason ?? null,
    revision: numberAt(text, from + place.revision, widths.revision),
    epoch: numberAt(text, from + place.epoch, widths.epoch, 10),
  }
}

/** In a fixed place: `parseInt` of slices takes a third of the time of a check. */
function numberAt(text: string, from: number, width: number, base: 10 | 36 = 36): number {
  let value = 0
  for (let at = from; at < from + width; at += 1) {
    const code = text.charCodeAt(at)
    const digit = code < 58 ? code - 48 : code - 87
    // Also when the text ends before: NaN is in no range.
    if (!(digit >= 0 && digit < base) || (code >= 58 && digit < 10)) throw new TypeError('a number is none')
    value = value * base + digit
  }
  return value
}

function find(text: string, what: string, from: number, end: number): number {
  const at = text.indexOf(what, from)
  return at < 0 || at > end ? end : at
}

function whole36(text: string): number {
  const value = Number.parseInt(text, 36)
  if (Number.isNaN(value)) throw new TypeError('a number is none')
  return value
}

const sameAs = (other: string, packed: string): string => (packed === same ? other : packed)

function authTimeOf(text: string, createdAt: Instant): Instant | null {
  if (text === '') return null
  return text === same ? createdAt : whole36(text)
}

function methods(text: string): readonly string[] {
  if (text === '') return []
  return text.startsWith('[') ? (JSON.parse(text) as string[]) : text.split(',')
}

function objectOf(text: string): JsonValue {
  if (text === '') return {}
  const value = json.read(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('its attributes are none')
  return value
}

/** What `packRevocation` wrote. Throws a `TypeError` when it did not. */
export function unpackRevocation(text: string): Revocation {
  const reason = revocationReasons.find((known) => known === text.slice(widths.instant))
  const at = unpackInstant(text.slice(0, widths.instant))
  if (reason === undefined || Number.isNaN(at)) throw new TypeError('its revocation is none')
  return { at, reason }
}

/** The latest everyone-out as a shard stores it: a count of 5 digits and a revocation. */
export interface EveryoneOut {
  readonly epoch: number
  readonly revocation: Revocation
}

export function unpackEveryoneOut(text: string): EveryoneOut {
  const epoch = Number(text.slice(0, 5))
  if (!Number.isInteger(epoch)) throw new Error('the stored everyone-out is damaged')
  return { epoch, revocation: unpackRevocation(text.slice(5)) }
}
