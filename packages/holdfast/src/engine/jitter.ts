/** Spreading out in time what nodes that started, or failed, together would otherwise do together. */
import type { RandomFill } from './crypto.ts'

const resolution = 2 ** 16

/** From `ms × (1 - share)` up to `ms`. A source of randomness that fails makes it `ms`: this guards no secret. */
export function jittered(random: RandomFill, ms: number, share: number): number {
  const drawn = new Uint8Array(2)
  try {
    random(drawn)
  } catch {
    return ms
  }
  const [high = 0, low = 0] = drawn
  return Math.round(ms * (1 - (share * (high * 256 + low)) / resolution))
}
