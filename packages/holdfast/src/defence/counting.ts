/** What everything that counts in the shared store has in common. */
import { storeUnavailable } from '../engine/errors.ts'
import type { Awaitable, Instant } from '../store/store.ts'

function refuse(cause: unknown): never {
  throw storeUnavailable(cause)
}

/**
 * A fault of the counters is "cannot tell": nobody is let in uncounted. At once when the store answers at once: a store
 * in memory takes less time than promises do.
 */
export function counting<T>(run: () => Awaitable<T>): Awaitable<T> {
  try {
    const answer = run()
    return answer instanceof Promise ? answer.catch(refuse) : answer
  } catch (cause) {
    return refuse(cause)
  }
}

/** The same for each of several, all under way at once. */
export function countingEach<Item, T>(items: readonly Item[], run: (item: Item) => Awaitable<T>): Awaitable<readonly T[]> {
  return counting(() => together(items.map(run)))
}

/** All of the answers, at once when they are there. */
export function together<T>(answers: readonly Awaitable<T>[]): Awaitable<readonly T[]> {
  return areAtOnce(answers) ? answers : Promise.all(answers)
}

function areAtOnce<T>(answers: readonly Awaitable<T>[]): answers is readonly T[] {
  for (const answer of answers) if (answer instanceof Promise) return false
  return true
}

/** Goes on with an answer, at once when it is there. */
export function andThen<T, U>(answer: Awaitable<T>, next: (answer: T) => Awaitable<U>): Awaitable<U> {
  return answer instanceof Promise ? answer.then(next) : next(answer)
}

/** Seconds from `now` until `at`, as `Retry-After` counts them: whole, and never too early. */
export function secondsUntil(at: Instant, now: Instant): number {
  return Math.max(1, Math.ceil((at - now) / 1000))
}
