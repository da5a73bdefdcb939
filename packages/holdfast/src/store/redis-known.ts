/**
 * Which sessions of a slot tag this node has handed out: a note from another node names the tag only.
 *
 * Two generations, as in the engine's cache: when the young one is full the old one is let go, and those who may
 * still remember its sessions have to be told.
 */
import { type SlotTag, tagOf } from './redis-keys.ts'
import type { SessionId } from './store.ts'

type Generation = Map<SlotTag, SessionId[]>

export class KnownSessions {
  readonly #perGeneration: number
  readonly #onForgotten: (ids: readonly SessionId[]) => void
  #young: Generation = new Map()
  #old: Generation = new Map()

  constructor(capacity: number, onForgotten: (ids: readonly SessionId[]) => void) {
    this.#perGeneration = Math.ceil(capacity / 2)
    this.#onForgotten = onForgotten
  }

  add(id: SessionId): void {
    const tag = tagOf(id)
    const young = this.#young.get(tag)
    if (young !== undefined) {
      if (!young.includes(id)) young.push(id)
      return
    }
    if (this.#young.size >= this.#perGeneration) this.#turn()
    const old = this.#old.get(tag)
    this.#old.delete(tag)
    this.#young.set(tag, old === undefined ? [id] : old.includes(id) ? old : [...old, id])
  }

  /** Ids of the tag that were handed out. */
  of(tag: SlotTag): readonly SessionId[] {
    return this.#young.get(tag) ?? this.#old.get(tag) ?? []
  }

  #turn(): void {
    const forgotten = [...this.#old.values()].flat()
    this.#old = this.#young
    this.#young = new Map()
    this.#onForgotten(forgotten)
  }
}
