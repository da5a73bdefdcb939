/** Turns of the event loop. Nothing here takes time, so that no clock is injected for it. */

// Taken as the module loads: a test of an app's own that fakes timers must not keep its requests waiting for ever.
const atEnd = globalThis.setImmediate

/** Lets what waits for the event loop have its turn: a long piece of work is done in several, and small ones gather. */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    atEnd(resolve)
  })
}

/**
 * Calls `run` once all that has arrived in this turn of the event loop is read, in the asynchronous context of the caller
 * (`AsyncLocalStorage`). What it throws ends the process, as from any callback of the event loop.
 */
export function atTurnsEnd(run: () => void): void {
  atEnd(run)
}
