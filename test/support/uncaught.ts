/** Exceptions that nobody caught, which end a process that runs no tests. Vitest tells of them only after the last test. */
import { onTestFinished } from 'vitest'

/** Those from now on to the end of the test. */
export function uncaughtExceptions(): readonly unknown[] {
  const found: unknown[] = []
  const note = (fault: unknown): void => {
    found.push(fault)
  }
  process.on('uncaughtExceptionMonitor', note)
  onTestFinished(() => {
    process.off('uncaughtExceptionMonitor', note)
  })
  return found
}
