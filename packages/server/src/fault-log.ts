/** Faults of connections that nobody waits for: drivers report each attempt to connect again, many in a second. */
import { type Now, systemNow } from './clock.ts'
import type { Logger } from './logging.ts'

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
