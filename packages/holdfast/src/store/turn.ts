/** Turns of the event loop. Nothing here takes time, so that no clock is injected for it. */
// Not the global one: a test of an app's own that fakes timers, or an environment without it, must not keep requests waiting for ever.
import { setImmediate } from 'node:timers'

/** Lets what waits for the event loop have its turn: a long piece of work is done in several, and small ones gather. */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/**
 * Calls `run` once all that has arrived in this turn of the event loop is read, in the asynchronous context of the caller
 * (`AsyncLocalStorage`). What it throws ends the process, as from any callback of the event loop.
 */
export function atTurnsEnd(run: () => void): void {
  setImmediate(run)
}
