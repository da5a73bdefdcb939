/**
 * A bounded map for what can be had again: S3-FIFO (Yang and others, SOSP 2023).
 *
 * What is new waits in a line of its own, a tenth of the bound once that is full. What was used by the time it is the
 * oldest there moves to the main line. The rest goes, and of as many as the bound says the key alone is kept: what comes
 * back then enters the main line. In that, what was used goes round once more, and the oldest of the others goes.
 *
 * So a flood of what is asked for once passes through the tenth and drives out nothing that is in use, and all of the
 * bound serves: as many as it says may be asked for in turn, and each is found. A hit sets one field and moves nothing.
 */
export interface Cached {
  /** The cache's own: set by a hit, taken back as the entry moves on. */
  used: boolean
}

const shareOfNew = 0.1
/** So many in use move on, at most, before one has to go all the same: making room takes no longer, whatever the bound is. */
const mostMoved = 100

export class BoundedCache<Key, Entry extends Cached> {
  readonly capacity: number
  readonly #waiting: Line<Key, Entry> = new Line()
  readonly #main: Line<Key, Entry> = new Line()
  readonly #passed: Line<Key, true> = new Line()

  /** `capacity` 0 keeps nothing. */
  constructor(capacity: number) {
    this.capacity = capacity
  }

  get size(): number {
    return this.#main.size + this.#waiting.size
  }

  /** What it finds counts as used. */
  get(key: Key): Entry | undefined {
    const entry = this.#main.get(key) ?? this.#waiting.get(key)
    if (entry !== undefined) entry.used = true
    return entry
  }

  /** One of the same key is replaced where it stands. Returns what had to go for one that is new. */
  set(key: Key, entry: Entry): Entry | undefined {
    if (this.capacity === 0) return undefined
    const held = this.#main.has(key) ? this.#main : this.#waiting.has(key) ? this.#waiting : undefined
    const gone = held === undefined && this.size >= this.capacity ? this.#makeRoom() : undefined
    // What is put again is in use.
    entry.used = held !== undefined
    const line = held ?? (this.#passed.delete(key) ? this.#main : this.#waiting)
    line.set(key, entry)
    return gone
  }

  delete(key: Key): boolean {
    return this.#main.delete(key) || this.#waiting.delete(key)
  }

  clear(): void {
    for (const line of [this.#waiting, this.#main, this.#passed]) line.clear()
  }

  #makeRoom(): Entry | undefined {
    for (let moved = 0; ; moved += 1) {
      const isOfNew = this.#waiting.size >= this.capacity * shareOfNew || this.#main.size === 0
      const oldest = isOfNew ? this.#waiting.shift() : this.#main.shift()
      if (oldest === undefined) return undefined
      const [key, entry] = oldest
      if (!entry.used || moved >= mostMoved) {
        if (isOfNew) this.#pass(key)
        return entry
      }
      entry.used = false
      this.#main.set(key, entry)
    }
  }

  #pass(key: Key): void {
    if (this.#passed.size >= this.capacity) this.#passed.shift()
    this.#passed.set(key, true)
  }
}

/** A map in the order in which its entries came. */
class Line<Key, Entry> extends Map<Key, Entry> {
  /** Goes on where it stopped: to look for the first entry of a map passes over all that were deleted before it. */
  #oldest: MapIterator<[Key, Entry]> = this.entries()

  override clear(): void {
    super.clear()
    this.#oldest = this.entries()
  }

  /** Takes the oldest out. */
  shift(): [Key, Entry] | undefined {
    if (this.size === 0) return undefined
    let { value } = this.#oldest.next()
    if (value === undefined) {
      // It had reached the end, and does not go on from there.
      this.#oldest = this.entries()
      value = this.#oldest.next().value
    }
    if (value !== undefined) this.delete(value[0])
    return value
  }
}
