/**
 * Records as they were decoded from what the server last answered, so that the same bytes are not decoded again: the
 * record that comes back is then the very same object. The server is asked all the same, and its answer is compared in
 * full: neither a revision nor an instant vouches for the rest, because a failover can lose a change and another one
 * then gets its number.
 *
 * Bounded as the verified-session cache is.
 */
import { BoundedCache, type Cached } from '../shared/bounded-cache.ts'
import { deepFreeze } from '../shared/deep-freeze.ts'
import type { SessionId, SessionRecord } from './store.ts'

export interface Decoded<Answer> {
  readonly answer: Answer
  readonly record: SessionRecord
}

/** With what they are decoded from, about as much again as the engine remembers of them. */
export const mostKept = 16_384

export interface AnswerKind<Answer> {
  /** Whether two answers are equal, byte by byte. */
  readonly isSame: (a: Answer, b: Answer) => boolean
  /** In characters. */
  readonly lengthOf: (answer: Answer) => number
}

/** Rows as lists of their columns. */
export const rowAnswers: AnswerKind<readonly unknown[]> = {
  isSame: (a, b) => a.length === b.length && a.every((column, at) => column === b[at]),
  lengthOf: (row) => row.reduce<number>((sum, column) => sum + (typeof column === 'string' ? column.length : 0), 0),
}

/** Longer answers are decoded each time: what clients make long must not fill this node. */
export const longest = 2048

interface Kept<Answer> extends Decoded<Answer>, Cached {
  /** Undefined once it was dropped, replaced or had to go: it vouches for nothing any more. */
  keptBy: object | undefined
}

function asItIs(record: object): object {
  return record
}

/**
 * Puts what a record was decoded from on the record itself, in a private field, which no copy, output or comparison has.
 * Whoever has the record at hand need not have it looked for: of many thousands none is in the processor's cache, and two
 * searches for each check took a tenth of its time.
 */
class DecodedFrom extends (asItIs as unknown as new (record: object) => object) {
  readonly #kept: Kept<unknown>

  constructor(kept: Kept<unknown>) {
    super(kept.record)
    this.#kept = kept
  }

  static of(record: object): Kept<unknown> | undefined {
    return #kept in record ? record.#kept : undefined
  }
}

export class DecodedRecords<Answer> {
  readonly #kind: AnswerKind<Answer>
  readonly #kept: BoundedCache<SessionId, Kept<Answer>>

  constructor(kind: AnswerKind<Answer>, most: number = mostKept) {
    this.#kind = kind
    this.#kept = new BoundedCache(most)
  }

  /** What the latest answer about this session was decoded into. `held`: a record that may be it. */
  find(id: SessionId, held?: SessionRecord): Decoded<Answer> | undefined {
    const own = held === undefined ? undefined : DecodedFrom.of(held)
    if (own?.keptBy !== this || own.record.id !== id) return this.#kept.get(id)
    own.used = true
    return own as Kept<Answer>
  }

  /**
   * What `decode` makes of the answer, or made of the same one before. Frozen, as several callers share it. `known`:
   * what `find` has of it, where that was asked already.
   */
  of<Found extends SessionRecord | undefined>(
    id: SessionId,
    answer: Answer,
    decode: (answer: Answer, id: SessionId) => Found,
    known: Decoded<Answer> | undefined = this.find(id),
  ): Found | SessionRecord {
    if (known !== undefined && this.#kind.isSame(known.answer, answer)) return known.record
    const record = decode(answer, id)
    if (record !== undefined && this.#kind.lengthOf(answer) <= longest) this.#keep(id, answer, record)
    return record
  }

  drop(id: SessionId): void {
    const kept = this.#kept.get(id)
    if (kept === undefined) return
    kept.keptBy = undefined
    this.#kept.delete(id)
  }

  #keep(id: SessionId, answer: Answer, record: SessionRecord): void {
    const kept = { answer, record, keptBy: this, used: false }
    new DecodedFrom(kept)
    deepFreeze(record)
    // Replaced where it stands: who holds that record must not be told by it that the session is still remembered.
    const before = this.#kept.get(id)
    if (before !== undefined) before.keptBy = undefined
    const gone = this.#kept.set(id, kept)
    if (gone !== undefined) gone.keptBy = undefined
  }
}
