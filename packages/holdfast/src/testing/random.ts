/** Repeatable bytes for tests. Never for anything else: whoever knows the seed knows them all. */
import type { RandomFill } from '../engine/crypto.ts'

/** The same seed (an integer) gives the same bytes, by the mulberry32 generator. */
export function seededRandom(seed: number): RandomFill {
  let state = seed | 0
  return (buffer) => {
    for (let at = 0; at < buffer.length; at += 1) {
      state = (state + 0x6d2b79f5) | 0
      let mixed = Math.imul(state ^ (state >>> 15), state | 1)
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
      buffer[at] = (mixed ^ (mixed >>> 14)) & 0xff
    }
  }
}
