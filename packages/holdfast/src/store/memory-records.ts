/** Session records into rows of the memory store and back. */

import { BoundedCache, type Cached } from '../shared/bounded-cache.ts'
import { revocationReasons } from '../shared/codes.ts'
import { deepFreeze } from '../shared/deep-freeze.ts'
import { longest, mostKept } from './decoded-records.ts'
import { JsonReader } from './memory-json.ts'
import { number, Rows, word } from './memory-rows.ts'
import { Subjects } from './memory-subjects.ts'
import { TextPool } from './memory-texts.ts'
import type { Attributes, Origin, Revocation, SessionRecord, Sighting } from './store.ts'

/** What few sessions have, kept beside the table. */
interface Rare {
  readonly elevation: SessionRecord['elevation']
  readonly previous: SessionRecord['previous']
  readonly nonce: string | null
  readonly grant: SessionRecord['grant']
  readonly jkt: string | null
  readonly deviceKey: string | null
  /** A digest that is not 32 bytes in base64url. */
  readonly digest: string | null
}

const noRare: Rare = { elevation: null, previous: null, nonce: null, grant: null, jkt: null, deviceKey: null, digest: null }

const pooled = [
  word.origin,
  word.firstIp,
  word.lastIp,
  word.userAgent,
  word.label,
  word.assurance,
  word.attributes,
  word.fingerprint,
] as const

const flag = { persistent: 1, rare: 2, reasonAt: 8 } as const

interface Kept extends Cached {
  readonly record: SessionRecord
}

const orNaN = (value: number | null): number => value ?? Number.NaN
const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value)

export class Records {
  readonly rows: Rows = new Rows()
  readonly subjects: Subjects = new Subjects(this.rows)
  readonly #texts: TextPool = new TextPool()
  readonly #json: JsonReader = new JsonReader()
  readonly #rare: Map<number, Rare> = new Map()
  /** Records as they were read, by row; whatever changes a row lets go of its record. */
  readonly #kept: BoundedCache<number, Kept> = new BoundedCache(mostKept)

  /** Fills a row that is in use by nothing; the id must be one. */
  create(record: SessionRecord, epoch: number): number {
    const { rows } = this
    const row = rows.allocate()
    rows.setId(row, record.id)
    rows.setNumber(row, number.createdAt, record.createdAt)
    rows.setWord(row, word.epoch, epoch)
    for (const field of pooled) rows.setWord(row, field, 0)
    rows.setWord(row, word.flags, 0)
    this.subjects.add(row, record.subject)
    this.#write(row, record, 0)
    if (record.revokedAt !== null) this.revoke(row, { at: record.revokedAt, reason: record.reason ?? 'admin' })
    return row
  }

  /** Overwrites all that may change by a replace. */
  update(row: number, record: SessionRecord): void {
    this.#kept.delete(row)
    const { rows } = this
    const stored = rows.number(row, number.seenAt)
    const lastIp = stored > record.seenAt ? this.#text(row, word.lastIp) : record.lastIp
    const idleExpiresAt = Math.max(rows.number(row, number.idleExpiresAt), record.idleExpiresAt)
    const seenAt = Math.max(stored, record.seenAt)
    this.#write(row, { ...record, seenAt, lastIp, idleExpiresAt }, rows.word(row, word.revision) + 1)
  }

  remove(row: number): void {
    this.#kept.delete(row)
    this.subjects.remove(row, this.isMarked(row))
    for (const field of pooled) this.#texts.release(this.rows.word(row, field))
    this.#rare.delete(row)
    this.rows.release(row)
  }

  /** Whether the row itself carries a revocation. */
  isMarked(row: number): boolean {
    return !Number.isNaN(this.rows.number(row, number.revokedAt))
  }

  revoke(row: number, { at, reason }: Revocation): void {
    this.#kept.delete(row)
    this.rows.setNumber(row, number.revokedAt, at)
    const flags = this.rows.word(row, word.flags)
    this.rows.setWord(row, word.flags, flags | ((revocationReasons.indexOf(reason) + 1) << flag.reasonAt))
    this.subjects.close(row)
  }

  touch(row: number, { seenAt, idleExpiresAt, ip }: Sighting): void {
    this.#kept.delete(row)
    const { rows } = this
    if (idleExpiresAt > rows.number(row, number.idleExpiresAt)) rows.setNumber(row, number.idleExpiresAt, idleExpiresAt)
    if (seenAt <= rows.number(row, number.seenAt)) return
    rows.setNumber(row, number.seenAt, seenAt)
    this.#setText(row, word.lastIp, ip)
  }

  /** The record as it stands in the row, which is `id`'s: the very same object, frozen, until the row changes. */
  shared(row: number, id: string): SessionRecord {
    const kept = this.#kept.get(row)
    if (kept !== undefined) return kept.record
    const record = this.read(row, id)
    if ((this.#text(row, word.attributes)?.length ?? 0) > longest) return record
    this.#kept.set(row, { record: deepFreeze(record), used: false })
    return record
  }

  /** The record as it stands in the row, the caller's own. */
  read(row: number, id: string): SessionRecord {
    const { rows } = this
    const flags = rows.word(row, word.flags)
    const rare = (flags & flag.rare) === 0 ? noRare : (this.#rare.get(row) ?? noRare)
    const [amr, acr] = this.#json.read(this.#text(row, word.assurance) ?? '') as [string[], string | null]
    return {
      id,
      subject: this.subjects.name(row),
      createdAt: rows.number(row, number.createdAt),
      authTime: orNull(rows.number(row, number.authTime)),
      amr,
      acr,
      elevation: copyOf(rare.elevation),
      seenAt: rows.number(row, number.seenAt),
      idleTimeout: rows.number(row, number.idleTimeout),
      idleExpiresAt: rows.number(row, number.idleExpiresAt),
      absoluteExpiresAt: rows.number(row, number.absoluteExpiresAt),
      digest: rare.digest ?? rows.digest(row),
      previous: rare.previous === null ? null : { ...rare.previous },
      generation: rows.word(row, word.generation),
      nonce: rare.nonce,
      rotatedAt: orNull(rows.number(row, number.rotatedAt)),
      grant: rare.grant === null ? null : { ...rare.grant },
      binding: { fingerprint: this.#text(row, word.fingerprint), jkt: rare.jkt, deviceKey: rare.deviceKey },
      origin: this.#text(row, word.origin) as Origin,
      persistent: (flags & flag.persistent) !== 0,
      firstIp: this.#text(row, word.firstIp),
      lastIp: this.#text(row, word.lastIp),
      userAgent: this.#text(row, word.userAgent),
      label: this.#text(row, word.label) ?? '',
      attributes: this.#json.read(this.#text(row, word.attributes) ?? '') as Attributes,
      revokedAt: orNull(rows.number(row, number.revokedAt)),
      reason: revocationReasons[(flags >>> flag.reasonAt) - 1] ?? null,
      revision: rows.word(row, word.revision),
      epoch: rows.word(row, word.epoch),
    }
  }

  #write(row: number, record: SessionRecord, revision: number): void {
    const { rows } = this
    rows.setNumber(row, number.seenAt, record.seenAt)
    rows.setNumber(row, number.idleExpiresAt, record.idleExpiresAt)
    rows.setNumber(row, number.absoluteExpiresAt, record.absoluteExpiresAt)
    rows.setNumber(row, number.idleTimeout, record.idleTimeout)
    rows.setNumber(row, number.authTime, orNaN(record.authTime))
    rows.setNumber(row, number.revokedAt, Number.NaN)
    rows.setNumber(row, number.rotatedAt, orNaN(record.rotatedAt))
    rows.setWord(row, word.generation, record.generation)
    rows.setWord(row, word.revision, revision)
    this.#setText(row, word.origin, record.origin)
    this.#setText(row, word.firstIp, record.firstIp)
    this.#setText(row, word.lastIp, record.lastIp)
    this.#setText(row, word.userAgent, record.userAgent)
    this.#setText(row, word.label, record.label)
    this.#setText(row, word.assurance, JSON.stringify([record.amr, record.acr]))
    this.#setText(row, word.attributes, JSON.stringify(record.attributes))
    this.#setText(row, word.fingerprint, record.binding.fingerprint)
    const rare = rareOf(record, rows.setDigest(row, record.digest))
    if (rare === undefined) this.#rare.delete(row)
    else this.#rare.set(row, rare)
    const flags = (record.persistent ? flag.persistent : 0) | (rare === undefined ? 0 : flag.rare)
    rows.setWord(row, word.flags, flags)
  }

  #text(row: number, field: (typeof pooled)[number]): string | null {
    return this.#texts.text(this.rows.word(row, field))
  }

  #setText(row: number, field: (typeof pooled)[number], text: string | null): void {
    const before = this.rows.word(row, field)
    this.rows.setWord(row, field, this.#texts.acquire(text))
    this.#texts.release(before)
  }
}

function rareOf(record: SessionRecord, digestFits: boolean): Rare | undefined {
  const { previous, nonce, grant } = record
  const elevation = copyOf(record.elevation)
  const { jkt, deviceKey } = record.binding
  const digest = digestFits ? null : record.digest
  if ((elevation ?? previous ?? nonce ?? grant ?? jkt ?? deviceKey ?? digest) === null) return undefined
  return {
    elevation,
    previous: previous === null ? null : { ...previous },
    nonce,
    grant: grant === null ? null : { ...grant },
    jkt,
    deviceKey,
    digest,
  }
}

function copyOf(elevation: SessionRecord['elevation']): SessionRecord['elevation'] {
  return elevation === null ? null : { ...elevation, amr: [...elevation.amr] }
}
