/**
 * The part of a session record that no statement looks at, as one JSON text: an array, each field in its place. That
 * is half the size of an object with names, and half the time to read. A later release appends its fields; this one
 * keeps what it finds there.
 */
import {
  type Check,
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
import type { SessionId, SessionRecord } from './store.ts'

/** Other columns hold the rest. */
export type Packed = Pick<
  SessionRecord,
  | 'authTime'
  | 'amr'
  | 'acr'
  | 'elevation'
  | 'idleTimeout'
  | 'digest'
  | 'previous'
  | 'generation'
  | 'nonce'
  | 'rotatedAt'
  | 'grant'
  | 'binding'
  | 'origin'
  | 'persistent'
  | 'firstIp'
  | 'userAgent'
  | 'label'
  | 'attributes'
>

/** The places, in order. A published one is never moved: a new one goes to the end, and may be missing in old rows. */
const places: readonly (readonly [name: string, isSound: Check])[] = [
  ['authTime', isNumberOrNull],
  ['amr', isTexts],
  ['acr', isTextOrNull],
  ['elevation', isElevation],
  ['idleTimeout', isNumber],
  ['digest', isText],
  ['previous', isPrevious],
  ['generation', isNumber],
  ['nonce', isTextOrNull],
  ['rotatedAt', isNumberOrNull],
  ['fingerprint', isTextOrNull],
  ['jkt', isTextOrNull],
  ['deviceKey', isTextOrNull],
  ['origin', isText],
  ['persistent', isBoolean],
  ['firstIp', isTextOrNull],
  ['userAgent', isTextOrNull],
  ['label', isText],
  ['attributes', isObject],
  ['grant', isGrant],
]
const names = places.map(([name]) => name)
const checks = places.map(([, isSound]) => isSound)

/** The text of a record, with what a later release has put behind it in `before`, the text that it replaces. */
export function pack(record: SessionRecord, before?: string): string {
  const { fingerprint, jkt, deviceKey } = record.binding
  const packed: unknown[] = [
    record.authTime,
    record.amr,
    record.acr,
    record.elevation,
    record.idleTimeout,
    record.digest,
    record.previous,
    record.generation,
    record.nonce,
    record.rotatedAt,
    fingerprint,
    jkt,
    deviceKey,
    record.origin,
    record.persistent,
    record.firstIp,
    record.userAgent,
    record.label,
    record.attributes,
    record.grant,
  ]
  if (before !== undefined) packed.push(...parse(record.id, before).slice(places.length))
  return JSON.stringify(packed)
}

/** Throws when the text is damaged. */
export function unpack(id: SessionId, text: string): Packed {
  const found = parse(id, text)
  return {
    authTime: found[0] as number | null,
    amr: found[1] as string[],
    acr: found[2] as string | null,
    elevation: found[3] as Packed['elevation'],
    idleTimeout: found[4] as number,
    digest: found[5] as string,
    previous: found[6] as Packed['previous'],
    generation: found[7] as number,
    nonce: found[8] as string | null,
    rotatedAt: found[9] as number | null,
    binding: {
      fingerprint: found[10] as string | null,
      jkt: found[11] as string | null,
      deviceKey: found[12] as string | null,
    },
    origin: found[13] as Packed['origin'],
    persistent: found[14] as boolean,
    firstIp: found[15] as string | null,
    userAgent: found[16] as string | null,
    label: found[17] as string,
    attributes: found[18] as Packed['attributes'],
    grant: (found[19] ?? null) as Packed['grant'],
  }
}

function parse(id: SessionId, text: string): readonly unknown[] {
  let found: unknown
  try {
    found = JSON.parse(text)
  } catch {
    throw damaged(id, 'data')
  }
  if (!Array.isArray(found)) throw damaged(id, 'data')
  for (let at = 0; at < checks.length; at += 1) if (checks[at]?.(found[at]) !== true) throw damaged(id, names[at] ?? 'data')
  return found
}
