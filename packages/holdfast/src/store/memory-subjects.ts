/** A subject's sessions: linked through the table's rows, newest insertion first. */
import { noRow, type Rows, word } from './memory-rows.ts'
import { grown, noText, TextPool } from './memory-texts.ts'

export class Subjects {
  readonly #rows: Rows
  readonly #names: TextPool = new TextPool()
  #heads: Uint32Array = new Uint32Array(1024)
  /** How many of a subject's rows carry no revocation: lets a walk stop before a long tail of ended ones. */
  #open: Uint32Array = new Uint32Array(1024)

  constructor(rows: Rows) {
    this.#rows = rows
  }

  name(row: number): string | null {
    return this.#names.text(this.#rows.word(row, word.subject))
  }

  /** Ties a row, not revoked, to its subject. */
  add(row: number, subject: string | null): void {
    const number = this.#names.acquire(subject)
    this.#rows.setWord(row, word.subject, number)
    this.#rows.setWord(row, word.newer, noRow)
    this.#rows.setWord(row, word.older, noRow)
    if (number === noText) return
    if (number >= this.#heads.length) {
      this.#heads = grown(this.#heads)
      this.#open = grown(this.#open)
    }
    const head = this.#heads[number] ?? noRow
    this.#rows.setWord(row, word.older, head)
    if (head !== noRow) this.#rows.setWord(head, word.newer, row)
    this.#heads[number] = row
    this.#open[number] = (this.#open[number] ?? 0) + 1
  }

  /** Counts a row of the subject as revoked. */
  close(row: number): void {
    const number = this.#rows.word(row, word.subject)
    if (number !== noText) this.#open[number] = (this.#open[number] ?? 1) - 1
  }

  remove(row: number, wasRevoked: boolean): void {
    const number = this.#rows.word(row, word.subject)
    if (number === noText) return
    if (!wasRevoked) this.close(row)
    const newer = this.#rows.word(row, word.newer)
    const older = this.#rows.word(row, word.older)
    if (newer === noRow) this.#heads[number] = older
    else this.#rows.setWord(newer, word.older, older)
    if (older !== noRow) this.#rows.setWord(older, word.newer, newer)
    this.#names.release(number)
  }

  /** Every row of the subject. */
  all(subject: string): number[] {
    return this.#collect(subject, () => true, Number.POSITIVE_INFINITY)
  }

  /** Rows of the subject for which `accept` holds, where it never holds for a revoked one. */
  open(subject: string, isOpen: (row: number) => boolean): number[] {
    return this.#collect(subject, isOpen, this.#open[this.#names.find(subject)] ?? 0)
  }

  #collect(subject: string, accept: (row: number) => boolean, most: number): number[] {
    const found: number[] = []
    const number = this.#names.find(subject)
    let row = number === noText ? noRow : (this.#heads[number] ?? noRow)
    for (; row !== noRow && found.length < most; row = this.#rows.word(row, word.older)) if (accept(row)) found.push(row)
    return found
  }
}
