/** What everything that counts in the shared store has in common. */
import { storeUnavailable } from '../engine/errors.ts'
import type { Awaitable, Instant } from '../store/store.ts'

/** A fault of the counters is "cannot tell": nobody is let in uncounted. */
export async function counting<T>(run: () => Awaitable<T>): Promise<T> {
  try {
    return await run()
  } catch (cause) {
    throw storeUnavailable(cause)
  }
}

/** Seconds from `now` until `at`, as `Retry-After` counts them: whole, and never too early. */
export function secondsUntil(at: Instant, now: Instant): number {
  return Math.max(1, Math.ceil((at - now) / 1000))
}
