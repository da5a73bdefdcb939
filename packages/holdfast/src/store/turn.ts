/** Turns of the event loop. Nothing here takes time, so that no clock is injected for it. */

/** Lets what waits for the event loop have its turn: a long piece of work is done in several, and small ones gather. */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
