/** Work on many things a few at a time, so that requests have their turn in between. */
import { eventLoopTurn } from './clock.ts'

/** Of things that take some ten microseconds each. */
export const perTurn = 64

/** Runs the first of them at once. What `run` returns is waited for before the next turn; it must not throw. */
export async function inTurns<T>(items: readonly T[], run: (item: T) => unknown): Promise<void> {
  for (let start = 0; start < items.length; start += perTurn) {
    if (start > 0) await eventLoopTurn()
    await Promise.all(items.slice(start, start + perTurn).map((item) => run(item)))
  }
}
