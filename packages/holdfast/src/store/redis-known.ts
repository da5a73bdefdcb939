/**
 * Which sessions of a slot tag this node has handed out: a note from another node names the tag only.
 *
 * Bounded by two generations: when the young one is full it becomes the old one, and for each tag that is new from then
 * on the oldest is let go. One at a time: those who may still remember its sessions have to be told, and a hundred
 * thousand at once held up every check of the node for more than its deadline.
 */
import { type SlotTag, tagOf } from './redis-keys.ts'
import type { SessionId } from './store.ts'

type Generation = Map<SlotTag, SessionId[]>

export class KnownSessions {
  readonly #capacity: number
  readonly #onForgotten: (ids: readonly SessionId[]) => void
  #young: Generation = new Map()
  #old: Generation = new Map()
  /** Goes on where it stopped: to look for the first entry of a map passes over all that were deleted before it. */
  #oldest: MapIterator<[SlotTag, SessionId[]]> = this.#old.entries()
  #isLettingGo = false

  constructor(capacity: number, onForgotten: (ids: readonly SessionId[]) => void) {
    this.#capacity = capacity
    this.#onForgotten = onForgotten
  }

  add(id: SessionId): void {
    const tag = tagOf(id)
    const young = this.#young.get(tag)
    if (young !== undefined) {
      if (!young.includes(id)) young.push(id)
      return
    }
    const old = this.#old.get(tag)
    this.#old.delete(tag)
    this.#young.set(tag, old === undefined ? [id] : old.includes(id) ? old : [...old, id])
    if (old === undefined) this.#makeRoom()
  }

  /** Ids of the tag that were handed out. */
  of(tag: SlotTag): readonly SessionId[] {
    return this.#young.get(tag) ?? this.#old.get(tag) ?? []
  }

  /**
   * A session with a live connection is looked up as soon as it is let go, and so comes back while this runs: those stay
   * on top of the capacity, and the second go makes up for the ones that have ended since.
   */
  #makeRoom(): void {
    if (this.#isLettingGo) return
    this.#isLettingGo = true
    for (let go = 0; go < 2 && this.#young.size + this.#old.size > this.#capacity; go += 1) this.#letGo()
    this.#isLettingGo = false
  }

  #letGo(): void {
    if (this.#old.size === 0) {
      this.#old = this.#young
      this.#oldest = this.#old.entries()
      this.#young = new Map()
    }
    const { value } = this.#oldest.next()
    if (value === undefined) return
    const [tag, ids] = value
    this.#old.delete(tag)
    this.#onForgotten(ids)
  }
}
