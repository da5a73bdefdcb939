/**
 * Session records into rows and back. Columns hold what statements search or change; the rest is one JSON text,
 * so that a release can add a field without a new schema. Fields that this release does not know are kept.
 */
import { type RevocationReason, revocationReasons } from '../shared/codes.ts'
import {
  damaged,
  isBoolean,
  isElevation,
  isGrant,
  isNumber,
  isNumberOrNull,
  isObject,
  isPrevious,
  isText,
  isTextOrNull,
  isTexts,
} from './field-checks.ts'
import type { Row, Value } from './sqlite-connection.ts'
import type { SessionId, SessionRecord } from './store.ts'

const columns = [
  'subject',
  'createdAt',
  'seenAt',
  'idleExpiresAt',
  'absoluteExpiresAt',
  'lastIp',
  'revokedAt',
  'reason',
  'revision',
  'epoch',
] as const

type Data = Omit<SessionRecord, 'id' | (typeof columns)[number]>

/** The columns that `decode` expects, in its order; `e` is the row of the latest everyone-out. */
export const selected = `s.subject, s.created_at, s.seen_at, s.idle_expires_at, s.absolute_expires_at, s.last_ip,
  CASE WHEN s.revoked_at IS NULL AND s.epoch < e.epoch THEN e.at ELSE s.revoked_at END,
  CASE WHEN s.revoked_at IS NULL AND s.epoch < e.epoch THEN e.reason ELSE s.reason END,
  s.revision, s.epoch, s.data`

function isBinding(value: unknown): boolean {
  return isObject(value) && isTextOrNull(value.fingerprint) && isTextOrNull(value.jkt) && isTextOrNull(value.deviceKey)
}

/** What each field must be. */
const fields: { readonly [Field in keyof Data]: (value: unknown) => boolean } = {
  authTime: isNumberOrNull,
  amr: isTexts,
  acr: isTextOrNull,
  elevation: isElevation,
  idleTimeout: isNumber,
  digest: isText,
  previous: isPrevious,
  generation: isNumber,
  nonce: isTextOrNull,
  rotatedAt: isNumberOrNull,
  grant: isGrant,
  binding: isBinding,
  origin: isText,
  persistent: isBoolean,
  firstIp: isTextOrNull,
  userAgent: isTextOrNull,
  label: isText,
  attributes: isObject,
}

const checks = Object.entries(fields)
const ownFields: ReadonlySet<string> = new Set([...Object.keys(fields), ...columns, 'id'])

/** The JSON text of a record, with the fields of `before` (the text it replaces) that this release does not know. */
export function encode(record: SessionRecord, before?: string): string {
  const data: Record<string, unknown> = {}
  for (const field in fields) data[field] = record[field as keyof Data]
  data.grant = record.grant ?? undefined
  if (before === undefined) return JSON.stringify(data)
  for (const [field, value] of Object.entries(parse(record.id, before))) if (!ownFields.has(field)) data[field] = value
  return JSON.stringify(data)
}

/** Throws when the row is damaged. */
export function decode(row: Row, id: SessionId): SessionRecord {
  const data = parse(id, row[10])
  return {
    id,
    subject: row[0] as string | null,
    createdAt: row[1] as number,
    authTime: data.authTime,
    amr: data.amr,
    acr: data.acr,
    elevation: data.elevation,
    seenAt: row[2] as number,
    idleTimeout: data.idleTimeout,
    idleExpiresAt: row[3] as number,
    absoluteExpiresAt: row[4] as number,
    digest: data.digest,
    previous: data.previous,
    generation: data.generation,
    nonce: data.nonce,
    rotatedAt: data.rotatedAt,
    grant: data.grant ?? null,
    binding: data.binding,
    origin: data.origin,
    persistent: data.persistent,
    firstIp: data.firstIp,
    lastIp: row[5] as string | null,
    userAgent: data.userAgent,
    label: data.label,
    attributes: data.attributes,
    revokedAt: row[6] as number | null,
    reason: reasonOf(id, row[7]),
    revision: row[8] as number,
    epoch: row[9] as number,
  }
}

function parse(id: SessionId, text: Value | undefined): Data {
  let data: unknown
  try {
    data = JSON.parse(text as string)
  } catch {
    throw damaged(id, 'data')
  }
  if (!isObject(data)) throw damaged(id, 'data')
  for (const [field, isValid] of checks) if (!isValid(data[field])) throw damaged(id, field)
  return data as unknown as Data
}

function reasonOf(id: SessionId, value: Value | undefined): RevocationReason | null {
  if (value === null) return null
  const reason = revocationReasons.find((known) => known === value)
  if (reason === undefined) throw damaged(id, 'reason')
  return reason
}
