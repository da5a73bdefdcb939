/** A clock that stands still until a test moves it. */
import type { Clock } from '../engine/clock.ts'
import type { Instant } from '../store/store.ts'

export interface FakeClock extends Clock {
  /** Moves time forward by `ms`, running each timer that falls due at its own instant, earliest first. */
  advance(ms: number): void
  /** Sets the wall time, forward or back, as an operator or NTP would: timers keep their remaining wait. */
  jumpTo(instant: Instant): void
  /** Timers that wait. */
  readonly pending: number
}

interface Timer {
  /** On the steady scale, which jumps do not move. */
  readonly due: number
  readonly order: number
  readonly run: () => void
}

/** Starts at `start`, by default 2026-01-01T00:00:00Z. */
export function fakeClock(start: Instant = Date.UTC(2026, 0, 1)): FakeClock {
  const timers = new Set<Timer>()
  let steady = 0
  let offset = start
  let order = 0

  function nextDue(until: number): Timer | undefined {
    let found: Timer | undefined
    for (const timer of timers) if (timer.due <= until && (found === undefined || isBefore(timer, found))) found = timer
    return found
  }

  return {
    now: () => offset + steady,
    after(ms, run) {
      order += 1
      const timer: Timer = { due: steady + Math.max(ms, 0), order, run }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance(ms) {
      const until = steady + ms
      for (let timer = nextDue(until); timer !== undefined; timer = nextDue(until)) {
        timers.delete(timer)
        steady = timer.due
        timer.run()
      }
      steady = until
    },
    jumpTo(instant) {
      offset = instant - steady
    },
    get pending() {
      return timers.size
    },
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order)
}
