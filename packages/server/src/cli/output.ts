/**
 * Standard output that takes no more: its reader has gone, as with `| head`, or the disk is full. Unwatched, the second line that
 * fails ends the process with a stack trace, and a server with it, whose log is not what it is for.
 */
import { fileProblem } from '../config/config.ts'
import { CommandFailure, reportFailure } from './failure.ts'

const gone = new AbortController()

/** Aborted when nobody gets what is printed any more: there is nothing left to follow. */
export const outputGone: AbortSignal = gone.signal

/** A reader who has enough is no failure; where text was lost, one line says so, and the exit code. */
export function watchOutput(): void {
  process.stdout.on('error', (fault: NodeJS.ErrnoException) => {
    if (gone.signal.aborted) return
    gone.abort()
    if (fault.code !== 'EPIPE') reportFailure(new CommandFailure(`holdfast-server: standard output ${fileProblem(fault)}`))
  })
  process.stderr.on('error', () => {})
}
