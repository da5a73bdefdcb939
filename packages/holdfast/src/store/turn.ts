/** Turns of the event loop. Nothing here takes time, so that no clock is injected for it. */
// Not the global one: a test of an app's own that fakes timers, or an environment without it, must not keep requests waiting for ever.
import { setImmediate } from 'node:timers'

/** Lets what waits for the event loop have its turn: a long piece of work is done in several, and small ones gather. */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** More than a busy server finds on its connections; one client can send some thousands in a piece. */
export const mostWaiting = 1000
let waiting = 0

/**
 * Calls `run` once all that has arrived in this turn of the event loop is read, in the asynchronous context of the caller
 * (`AsyncLocalStorage`); at once when `mostWaiting` wait already, so that a flood is answered, and held back by what its sender does not
 * read, instead of kept in memory. What `run` throws ends the process, as from any callback of the event loop.
 */
export function atTurnsEnd(run: () => void): void {
  if (waiting >= mostWaiting) {
    run()
    return
  }
  waiting += 1
  setImmediate(() => {
    waiting -= 1
    run()
  })
}
