/** From an id to its row: open addressing with linear probing over the table's own ids, 4 bytes a slot. */
import { noRow, type Rows } from './memory-rows.ts'

export class IdIndex {
  readonly #rows: Rows
  #slots: Uint32Array = new Uint32Array(1024)
  #count = 0

  constructor(rows: Rows) {
    this.#rows = rows
  }

  /** The row of `id`, or `noRow`. */
  find(id: string): number {
    if (!this.#rows.setId(noRow, id)) return noRow
    return this.#slots[this.#slotOf(noRow)] ?? noRow
  }

  /** Adds a row whose id is set and not in the index yet. */
  add(row: number): void {
    if ((this.#count + 1) * 2 > this.#slots.length) this.#grow()
    this.#slots[this.#slotOf(row)] = row
    this.#count += 1
  }

  remove(row: number): void {
    const mask = this.#slots.length - 1
    let hole = this.#slotOf(row)
    this.#count -= 1
    // Later entries of the run move up instead of leaving a marker, so that probes stay short for ever.
    for (let slot = (hole + 1) & mask; ; slot = (slot + 1) & mask) {
      const other = this.#slots[slot] ?? noRow
      if (other === noRow) break
      const home = this.#rows.hash(other) & mask
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue
      this.#slots[hole] = other
      hole = slot
    }
    this.#slots[hole] = noRow
  }

  /** The slot of the row with the same id, or the free one where it would go. */
  #slotOf(row: number): number {
    const mask = this.#slots.length - 1
    for (let slot = this.#rows.hash(row) & mask; ; slot = (slot + 1) & mask) {
      const other = this.#slots[slot] ?? noRow
      if (other === noRow || this.#rows.compareIds(other, row) === 0) return slot
    }
  }

  #grow(): void {
    const before = this.#slots
    this.#slots = new Uint32Array(before.length * 2)
    for (const row of before) if (row !== noRow) this.#slots[this.#slotOf(row)] = row
  }
}
