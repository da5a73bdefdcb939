/** Runs a program in a process group of its own, so that an interrupt or a time limit ends all that it started. */
import { spawn } from 'node:child_process'

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Milliseconds until the group is ended. Default ten minutes. */
  readonly limit?: number
}

export interface Ended {
  readonly ok: boolean
  /** Standard output and standard error, as they came. */
  readonly output: string
  /** Why it is not ok, in words; empty when it is. */
  readonly why: string
}

const tenMinutes = 600_000
/** Time between asking a group to end and ending it. */
const patience = 5_000
const running: Set<number> = new Set()

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // The group is gone already, which is what was wanted.
  }
}

/** Ends every group still running: asked first, forced after a while. */
export function endAll(): void {
  for (const pid of running) {
    signalGroup(pid, 'SIGTERM')
    setTimeout(() => signalGroup(pid, 'SIGKILL'), patience).unref()
  }
}

export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const limit = options.limit ?? tenMinutes
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let why = ''
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const { pid } = child
    if (pid !== undefined) running.add(pid)
    const timer = setTimeout(() => {
      why = `took longer than ${Math.round(limit / 1000)} s`
      if (pid === undefined) return
      signalGroup(pid, 'SIGTERM')
      setTimeout(() => signalGroup(pid, 'SIGKILL'), patience).unref()
    }, limit)
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', (fault) => {
      why = `could not be started: ${fault.message}`
    })
    child.on('exit', (code, signal) => {
      // What the program left behind would keep the pipes, and this process, open.
      if (pid !== undefined) signalGroup(pid, 'SIGKILL')
      if (why === '' && code !== 0) why = signal === null ? `ended with code ${code}` : `was ended by ${signal}`
    })
    child.on('close', () => {
      clearTimeout(timer)
      if (pid !== undefined) running.delete(pid)
      resolve({ ok: why === '', output: Buffer.concat(chunks).toString('utf8'), why })
    })
  })
}
