/**
 * Rows in the order of lists, in sorted blocks: a page of a list, the oldest row, an insertion and a removal cost
 * about the same for a thousand rows and for a million.
 */
import { noRow, type Rows } from './memory-rows.ts'

const blockSize = 512

interface Block {
  readonly rows: Uint32Array
  size: number
}

export class RowOrder {
  readonly #rows: Rows
  /** Oldest first; none is empty. */
  readonly #blocks: Block[] = []

  constructor(rows: Rows) {
    this.#rows = rows
  }

  oldest(): number {
    return this.#blocks[0]?.rows[0] ?? noRow
  }

  add(row: number): void {
    const at = Math.min(this.#blockOf(row), this.#blocks.length - 1)
    const block = this.#blocks[at]
    if (block === undefined) this.#blocks.push(newBlock([row]))
    else if (block.size < blockSize) insertAt(block, this.#placeIn(block, row), row)
    else this.#split(at, block, row)
  }

  remove(row: number): void {
    const at = this.#blockOf(row)
    const block = this.#blocks[at]
    if (block === undefined) return
    const place = this.#placeIn(block, row)
    if (block.rows[place] !== row || place >= block.size) return
    block.rows.copyWithin(place, place + 1, block.size)
    block.size -= 1
    if (block.size === 0) this.#blocks.splice(at, 1)
  }

  /** Newest first, those before `row` only; `undefined`: all. The order must not change during the walk. */
  *descend(row: number | undefined): Generator<number, undefined> {
    let at = row === undefined ? this.#blocks.length - 1 : Math.min(this.#blockOf(row), this.#blocks.length - 1)
    for (let below = row; at >= 0; at -= 1) {
      const block = this.#blocks[at]
      if (block === undefined) return
      const end = below === undefined ? block.size : this.#placeIn(block, below)
      for (let place = end - 1; place >= 0; place -= 1) yield block.rows[place] ?? noRow
      below = undefined
    }
  }

  /** The first block whose last row does not come before `row`. */
  #blockOf(row: number): number {
    let low = 0
    let high = this.#blocks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const block = this.#blocks[middle]
      const last = block?.rows[block.size - 1] ?? noRow
      if (this.#rows.compare(last, row) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The first place in the block whose row does not come before `row`. */
  #placeIn(block: Block, row: number): number {
    let low = 0
    let high = block.size
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#rows.compare(block.rows[middle] ?? noRow, row) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  #split(at: number, block: Block, row: number): void {
    const place = this.#placeIn(block, row)
    // Sessions arrive in order of creation: the last block stays full and a new one begins, instead of two halves.
    if (place === blockSize) {
      this.#blocks.splice(at + 1, 0, newBlock([row]))
      return
    }
    const half = blockSize / 2
    this.#blocks.splice(at + 1, 0, newBlock(block.rows.subarray(half)))
    block.size = half
    this.add(row)
  }
}

function newBlock(rows: ArrayLike<number>): Block {
  const block = { rows: new Uint32Array(blockSize), size: rows.length }
  block.rows.set(rows)
  return block
}

function insertAt(block: Block, place: number, row: number): void {
  block.rows.copyWithin(place + 1, place, block.size)
  block.rows[place] = row
  block.size += 1
}
