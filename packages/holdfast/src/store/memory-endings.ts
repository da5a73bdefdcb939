/**
 * Rows by when they end, soonest first: a binary heap whose keys are lower bounds. A touch moves an end later
 * without telling the heap; a row that comes up too soon is put back with its real end.
 */
import { noRow, number, type Rows, word } from './memory-rows.ts'
import { grown } from './memory-texts.ts'

export class Endings {
  readonly #rows: Rows
  readonly #endOf: (row: number) => number
  #heap: Uint32Array = new Uint32Array(1024)
  #size = 0

  constructor(rows: Rows, endOf: (row: number) => number) {
    this.#rows = rows
    this.#endOf = endOf
  }

  add(row: number): void {
    if (this.#size === this.#heap.length) this.#heap = grown(this.#heap)
    this.#size += 1
    this.#rows.setNumber(row, number.due, this.#endOf(row))
    this.#rise(this.#size - 1, row)
  }

  /** Takes note that a row may end sooner than before. */
  update(row: number): void {
    this.#place(this.#rows.word(row, word.place), row)
  }

  /** Takes note that any row may end sooner than before. */
  rebuild(): void {
    for (const row of this.#heap.subarray(0, this.#size)) this.#rows.setNumber(row, number.due, this.#endOf(row))
    for (let place = (this.#size >>> 1) - 1; place >= 0; place -= 1) this.#sink(place, this.#heap[place] ?? noRow)
  }

  remove(row: number): void {
    const place = this.#rows.word(row, word.place)
    this.#size -= 1
    const last = this.#heap[this.#size] ?? noRow
    if (last !== row) this.#place(place, last)
  }

  /** The row that ended first, at or before `until`; `noRow` when none did. */
  first(until: number): number {
    while (this.#size > 0) {
      const top = this.#heap[0] ?? noRow
      if (this.#due(top) > until) return noRow
      if (this.#endOf(top) <= until) return top
      this.#place(0, top)
    }
    return noRow
  }

  #due(row: number): number {
    return this.#rows.number(row, number.due)
  }

  #place(place: number, row: number): void {
    this.#rows.setNumber(row, number.due, this.#endOf(row))
    this.#sink(this.#rise(place, row), row)
  }

  #set(place: number, row: number): void {
    this.#heap[place] = row
    this.#rows.setWord(row, word.place, place)
  }

  #rise(from: number, row: number): number {
    let place = from
    while (place > 0) {
      const parent = (place - 1) >>> 1
      const above = this.#heap[parent] ?? noRow
      if (this.#due(above) <= this.#due(row)) break
      this.#set(place, above)
      place = parent
    }
    this.#set(place, row)
    return place
  }

  #sink(from: number, row: number): void {
    let place = from
    for (let child = 2 * place + 1; child < this.#size; child = 2 * place + 1) {
      const left = this.#heap[child] ?? noRow
      const right = child + 1 < this.#size ? (this.#heap[child + 1] ?? noRow) : noRow
      const smaller = right !== noRow && this.#due(right) < this.#due(left) ? right : left
      if (this.#due(row) <= this.#due(smaller)) break
      const next = smaller === left ? child : child + 1
      this.#set(place, smaller)
      place = next
    }
    this.#set(place, row)
  }
}
