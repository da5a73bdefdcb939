/**
 * Records as they were decoded from what the server last answered, so that the same bytes are not decoded again: the
 * record that comes back is then the very same object. The server is asked all the same, and its answer is compared in
 * full: neither a revision nor an instant vouches for the rest, because a failover can lose a change and another one
 * then gets its number.
 *
 * Bounded by second chances: when it is full a hand goes round and lets go of the first that nobody asked for since it last
 * came by. A lookup is one map operation, and what is kept is never copied.
 */
import { deepFreeze } from '../shared/deep-freeze.ts'
import type { SessionId, SessionRecord } from './store.ts'

export interface Decoded<Answer> {
  readonly answer: Answer
  readonly record: SessionRecord
}

interface Kept<Answer> extends Decoded<Answer> {
  /** Asked for since the hand last came by. */
  isUsed: boolean
}

/** With what they are decoded from, about as much again as the engine remembers of them. */
const mostKept = 16_384

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
const longest = 2048

export class DecodedRecords<Answer> {
  readonly #kind: AnswerKind<Answer>
  readonly #most: number
  readonly #kept: Map<SessionId, Kept<Answer>> = new Map()
  /** Goes on where it stopped: to look for the first entry of a map passes over all that were deleted before it. */
  #hand: MapIterator<[SessionId, Kept<Answer>]> = this.#kept.entries()

  constructor(kind: AnswerKind<Answer>, most: number = mostKept) {
    this.#kind = kind
    this.#most = most
  }

  /** What the latest answer about this session was decoded into. */
  find(id: SessionId): Decoded<Answer> | undefined {
    const kept = this.#kept.get(id)
    if (kept !== undefined) kept.isUsed = true
    return kept
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
    if (record !== undefined && this.#kind.lengthOf(answer) <= longest) this.#keep(id, answer, deepFreeze(record))
    return record
  }

  drop(id: SessionId): void {
    this.#kept.delete(id)
  }

  #keep(id: SessionId, answer: Answer, record: SessionRecord): void {
    this.#kept.set(id, { answer, record, isUsed: false })
    while (this.#kept.size > this.#most) this.#letGo()
  }

  #letGo(): void {
    const { value } = this.#hand.next()
    if (value === undefined) {
      this.#hand = this.#kept.entries()
      return
    }
    const [id, kept] = value
    if (kept.isUsed) kept.isUsed = false
    else this.#kept.delete(id)
  }
}
