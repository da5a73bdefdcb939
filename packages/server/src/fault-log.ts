/** Faults that nobody waits for. Those of connections are thinned out: drivers report each attempt, many in a second. */
import { type Now, systemNow } from './clock.ts'
import type { Logger } from './logging.ts'

/** Told of what failed where nobody waits, and while doing what. */
export type OnFault = (fault: unknown, doing: string) => void

export function backgroundFaults(logger: Logger): OnFault {
  return (fault, doing) => logger.error({ err: fault, doing }, 'A fault in the background')
}

const intervalMs = 10_000

/** Logs one fault in ten seconds, and how many it left out before. */
export function createFaultLog(logger: Logger, now: Now = systemNow): (fault: unknown) => void {
  let nextAt = 0
  let leftOut = 0
  return (fault) => {
    const at = now()
    // A clock that went back must not silence it for long.
    if (at < nextAt && nextAt - at <= intervalMs) {
      leftOut += 1
      return
    }
    logger.warn({ err: fault, ...(leftOut === 0 ? {} : { leftOut }) }, 'A connection to a store failed; it is tried again')
    nextAt = at + intervalMs
    leftOut = 0
  }
}
