/** Calling what the app gave us: a listener, a logger, a `close`. What it throws stops nothing of ours (fault F-28). */
import type { FaultLogger } from './events.ts'

/** Runs it; a fault, thrown now or rejected later, is told to `onFault`. */
export function runHook(run: () => unknown, onFault: FaultLogger, doing: string): void {
  try {
    const result = run()
    // An async function passes for one that returns nothing; left alone, its rejection would end the process.
    if (result instanceof Promise) result.catch((fault: unknown) => onFault(fault, doing))
  } catch (fault) {
    onFault(fault, doing)
  }
}

const tellNobody: FaultLogger = () => undefined

/** A logger that may fail without anyone noticing: there is nobody left to tell. */
export function unfailing(onFault: FaultLogger): FaultLogger {
  return (fault, doing) => runHook(() => onFault(fault, doing), tellNobody, 'logging')
}
