/** Work on many things a few at a time, so that requests have their turn in between. */
import { eventLoopTurn } from './clock.ts'

/** Of things that take some ten microseconds each. */
export const perTurn = 64

/** Runs the first of them at once. Resolves when all have run; `run` must not throw. */
export async function inTurns<T>(items: readonly T[], run: (item: T) => void): Promise<void> {
  for (let start = 0; start < items.length; start += perTurn) {
    if (start > 0) await eventLoopTurn()
    for (const item of items.slice(start, start + perTurn)) run(item)
  }
}
