/** What a test starts ends with the test's own process, however that ends: left alone it would run, and hold pipes open, for good. */
import type { ChildProcess } from 'node:child_process'

const ends = new Set<() => void>()

function endAll(): void {
  for (const end of ends) end()
}

process.once('exit', endAll)
// A process that a signal ends tells nobody of its exit.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    endAll()
    process.kill(process.pid, signal)
  })
}

export function endWithUs(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): void {
  const end = () => void child.kill(signal)
  ends.add(end)
  child.once('exit', () => ends.delete(end))
}
