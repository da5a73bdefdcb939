/** From `npm start` to the first healthy answer, with a new database each time. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Spread, spreadOf } from '../shared/statistics.ts'

export interface StartResult {
  /** Milliseconds. */
  readonly healthy: Spread
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const askEvery = 5
const patience = 30_000

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function isHealthy(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/healthz`)).status === 200
  } catch {
    return false
  }
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null
}

/** npm starts the server as a child of its own, so the group is stopped, not the one process. */
function signalGroup(child: ChildProcess): void {
  if (child.pid !== undefined && isRunning(child)) process.kill(-child.pid, 'SIGTERM')
}

async function stopGroup(child: ChildProcess): Promise<void> {
  if (!isRunning(child)) return
  const ended = once(child, 'exit')
  signalGroup(child)
  await ended
}

async function startOnce(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-start-'))
  const port = await freePort()
  const env = {
    ...process.env,
    HOST: '127.0.0.1',
    PORT: String(port),
    HOLDFAST_URL: `http://127.0.0.1:${port}`,
    HOLDFAST_STORE: `sqlite:${join(folder, 'holdfast.db')}`,
    HOLDFAST_SECRET: randomBytes(32).toString('hex'),
  }
  const from = performance.now()
  const child = spawn('npm', ['start'], { cwd: root, env, detached: true, stdio: ['ignore', 'ignore', 'pipe'] })
  const stopWithUs = () => signalGroup(child)
  process.once('exit', stopWithUs)
  let complaints = ''
  child.stderr.on('data', (text) => {
    complaints += text
  })
  try {
    while (!(await isHealthy(port))) {
      if (child.exitCode !== null) throw new Error(`npm start ended: ${complaints.slice(-2000)}`)
      if (performance.now() - from > patience) throw new Error(`no healthy answer within ${patience} ms`)
      await pause(askEvery)
    }
    return performance.now() - from
  } finally {
    await stopGroup(child)
    process.off('exit', stopWithUs)
    await rm(folder, { recursive: true, force: true })
  }
}

export async function measureStart(times: number): Promise<StartResult> {
  const results: number[] = []
  for (let run = 0; run < times; run += 1) results.push(await startOnce())
  return { healthy: spreadOf(results) }
}
