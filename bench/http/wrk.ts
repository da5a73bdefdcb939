/** One run of the load generator. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const script = fileURLToPath(new URL('./load.lua', import.meta.url))
export const connections = 64

export interface Load {
  readonly port: number
  /** File of requests to send in rotation. */
  readonly requests: string
  readonly seconds: number
  readonly cpu: number | undefined
}

export interface Run {
  readonly requests: number
  readonly perSecond: number
  /** Latencies in milliseconds. */
  readonly p50: number
  readonly p99: number
}

/** Runs wrk; throws when any request failed or was answered with an error. */
export async function runWrk({ port, requests, seconds, cpu }: Load): Promise<Run> {
  const wrk = ['wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, `http://127.0.0.1:${port}`, '--', requests]
  const [program = 'wrk', ...args] = cpu === undefined ? wrk : ['taskset', '--cpu-list', String(cpu), ...wrk]
  const { stdout } = await promisify(execFile)(program, args)
  const [answered = 0, microseconds = 0, failed = 0, p50 = 0, p99 = 0] =
    /^DONE (.+)$/m.exec(stdout)?.[1]?.split(' ').map(Number) ?? []
  if (answered === 0 || failed > 0) throw new Error(`the load generator reports failures:\n${stdout}`)
  return { requests: answered, perSecond: (answered / microseconds) * 1e6, p50: p50 / 1000, p99: p99 / 1000 }
}
