/**
 * Where a reader of the event trail is, for all nodes: one of them holds the cursor at a time, by a lease. Not held is a
 * value; anything thrown means "cannot tell".
 */
import type { Awaitable } from '../accounts/store.ts'

export interface Claim {
  readonly holder: string
  readonly now: number
  /** The lease ends then, unless it is renewed by another claim. */
  readonly until: number
  /** The place of a cursor that does not exist yet. */
  readonly start: number
}

export interface CursorStore {
  /**
   * Takes the cursor, or renews the lease, unless another holds it: one conditional statement, so that of parallel callers
   * one wins. Returns its place; undefined when another holds it.
   */
  claim(name: string, claim: Claim): Awaitable<number | undefined>
  /** Moves it forward, never back, if the holder still has it; returns whether it has. */
  advance(name: string, holder: string, place: number): Awaitable<boolean>
  /** Ends the holder's lease. */
  release(name: string, holder: string): Awaitable<void>
}
