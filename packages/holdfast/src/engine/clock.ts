/** Time. The only file that reads the wall clock, and that sets a timer for the engine. */
import type { Instant } from '../store/store.ts'

export { atTurnsEnd, eventLoopTurn } from '../store/turn.ts'

export interface Clock {
  /** Wall time, integer milliseconds. */
  now(): Instant
  /** Calls `run` once after `ms`; returns a function that cancels. Never keeps the process alive. */
  after(ms: number, run: () => void): () => void
}

/** `setTimeout` fires at once above 2^31-1 ms, so longer waits are cut short: callers re-arm, never rely on one. */
const longestTimer = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, Math.min(Math.max(ms, 0), longestTimer))
    timer.unref()
    return () => clearTimeout(timer)
  },
}
