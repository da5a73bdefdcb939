/**
 * The table of sessions: one row of 192 bytes each, in chunks that are never moved. Numbers in typed arrays cost
 * the garbage collector nothing, however many there are, and a third of the memory of objects.
 */
import { idWords, packId, unpackId } from './memory-id.ts'

/** Places of the 8-byte numbers in a row. NaN stands for null. */
export const number = {
  createdAt: 0,
  seenAt: 1,
  idleExpiresAt: 2,
  absoluteExpiresAt: 3,
  idleTimeout: 4,
  authTime: 5,
  revokedAt: 6,
  rotatedAt: 7,
  /** A lower bound of the instant at which the session ends; kept by the queue of endings. */
  due: 8,
} as const

/** Places of the 4-byte words in a row, counted from its start. Texts are numbers of a pool, 0 for null. */
export const word = {
  subject: 18,
  origin: 19,
  firstIp: 20,
  lastIp: 21,
  userAgent: 22,
  label: 23,
  assurance: 24,
  attributes: 25,
  fingerprint: 26,
  revision: 27,
  generation: 28,
  epoch: 29,
  /** Neighbours among the subject's sessions, by insertion. */
  newer: 30,
  older: 31,
  /** Place in the queue of endings. */
  place: 32,
  flags: 33,
} as const

export type NumberField = (typeof number)[keyof typeof number]
export type WordField = (typeof word)[keyof typeof word]

const idAt = 34
const digestAt = 40
const wordsPerRow = 48
const chunkBits = 12
const rowsPerChunk: number = 1 << chunkBits
const rowMask: number = rowsPerChunk - 1

interface Chunk {
  readonly numbers: Float64Array
  readonly words: Uint32Array
  readonly bytes: Buffer
}

/** The row that means "none", and where a value is put to be searched for. */
export const noRow = 0

export class Rows {
  readonly #chunks: Chunk[] = []
  /** Rows ever handed out, `noRow` included. */
  #extent = 1
  #used = 0
  #free: number = noRow

  constructor() {
    this.#grow()
  }

  get used(): number {
    return this.#used
  }

  /** A row of undefined contents. */
  allocate(): number {
    this.#used += 1
    const free = this.#free
    if (free !== noRow) {
      this.#free = this.word(free, word.older)
      return free
    }
    if (this.#extent === this.#chunks.length * rowsPerChunk) this.#grow()
    this.#extent += 1
    return this.#extent - 1
  }

  release(row: number): void {
    this.#chunk(row).words.fill(0, (row & rowMask) * wordsPerRow, ((row & rowMask) + 1) * wordsPerRow)
    this.setWord(row, word.older, this.#free)
    this.#free = row
    this.#used -= 1
  }

  number(row: number, field: NumberField): number {
    return this.#chunk(row).numbers[((row & rowMask) * wordsPerRow) / 2 + field] ?? Number.NaN
  }

  setNumber(row: number, field: NumberField, value: number): void {
    this.#chunk(row).numbers[((row & rowMask) * wordsPerRow) / 2 + field] = value
  }

  word(row: number, field: WordField): number {
    return this.#chunk(row).words[(row & rowMask) * wordsPerRow + field] ?? 0
  }

  setWord(row: number, field: WordField, value: number): void {
    this.#chunk(row).words[(row & rowMask) * wordsPerRow + field] = value
  }

  id(row: number): string {
    return unpackId(this.#chunk(row).words, (row & rowMask) * wordsPerRow + idAt)
  }

  /** False when it is not a session id. */
  setId(row: number, id: string): boolean {
    return packId(id, this.#chunk(row).words, (row & rowMask) * wordsPerRow + idAt)
  }

  /** A well mixed number from the id, for the index. */
  hash(row: number): number {
    const { words } = this.#chunk(row)
    const start = (row & rowMask) * wordsPerRow + idAt
    let mixed = 0
    for (let at = 0; at < idWords; at += 1) mixed = Math.imul(mixed ^ (words[start + at] ?? 0), 0x9e3779b1) ^ (mixed >>> 15)
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
    return (mixed ^ (mixed >>> 13)) >>> 0
  }

  /** Negative when `a`'s id sorts before `b`'s, 0 when they are equal. */
  compareIds(a: number, b: number): number {
    const left = this.#chunk(a).words
    const right = this.#chunk(b).words
    const leftAt = (a & rowMask) * wordsPerRow + idAt
    const rightAt = (b & rowMask) * wordsPerRow + idAt
    for (let at = 0; at < idWords; at += 1) {
      const difference = (left[leftAt + at] ?? 0) - (right[rightAt + at] ?? 0)
      if (difference !== 0) return difference
    }
    return 0
  }

  /** By creation, then by id: the order of lists, oldest first. */
  compare(a: number, b: number): number {
    return this.number(a, number.createdAt) - this.number(b, number.createdAt) || this.compareIds(a, b)
  }

  digest(row: number): string {
    const start = ((row & rowMask) * wordsPerRow + digestAt) * 4
    return this.#chunk(row).bytes.toString('base64url', start, start + 32)
  }

  /** False when it is not 32 bytes in canonical base64url, which cannot be kept here. */
  setDigest(row: number, digest: string): boolean {
    const start = ((row & rowMask) * wordsPerRow + digestAt) * 4
    this.#chunk(row).bytes.write(digest, start, 32, 'base64url')
    return this.digest(row) === digest
  }

  #chunk(row: number): Chunk {
    const chunk = this.#chunks[row >>> chunkBits]
    if (chunk === undefined) throw new RangeError(`no row ${row}`)
    return chunk
  }

  #grow(): void {
    const buffer = new ArrayBuffer(rowsPerChunk * wordsPerRow * 4)
    this.#chunks.push({ numbers: new Float64Array(buffer), words: new Uint32Array(buffer), bytes: Buffer.from(buffer) })
  }
}
