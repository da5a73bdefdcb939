/** The real program in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from './client.ts'
import { setupToken, testSecret } from './harness.ts'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

/** Stripping the types of every file takes longer than most commands: done once for all of them. */
const compileCache = join(tmpdir(), 'holdfast-server-test-compile-cache')

export type Environment = Readonly<Record<string, string>>

/** A shell that runs what comes after it where not one byte can be written to a file. */
export const withoutRoom: readonly string[] = ['sh', '-c', `trap '' XFSZ; ulimit -f 0; exec "$@"`, 'sh']

function start(folder: string, args: readonly string[], environment: Environment, through: readonly string[] = []): ChildProcess {
  const [program = '', ...all] = [...through, process.execPath, '--conditions=@holdfast/source', main, ...args]
  // Nothing of the test's own environment but what finds programs: a variable there must not decide a test.
  return spawn(program, all, {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', NODE_COMPILE_CACHE: compileCache, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
}

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command to its end. */
export function run(
  folder: string,
  args: readonly string[],
  { input = '', ...environment }: Environment & { input?: string } = {},
  through: readonly string[] = [],
): Promise<Finished> {
  const child = start(folder, args, environment, through)
  const out: string[] = []
  const err: string[] = []
  child.stdout?.on('data', (chunk) => out.push(String(chunk)))
  child.stderr?.on('data', (chunk) => err.push(String(chunk)))
  // A program that has read enough, or ends before, reads no further.
  child.stdin?.on('error', () => {})
  child.stdin?.end(input)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout: out.join(''), stderr: err.join('') }))
  })
}

export interface ServerProcess {
  readonly address: string
  readonly output: () => string
  client(cookies?: ReadonlyMap<string, string>): Client
  signal(name: NodeJS.Signals): void
  /** Closes the reading end of what it prints. */
  stopReading(): void
  /** Sends the signal and waits for the end; returns the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>
  [Symbol.asyncDispose](): Promise<void>
}

export const defaults: Environment = { PORT: '0', HOLDFAST_SECRET: testSecret, HOLDFAST_SETUP_TOKEN: setupToken }

/** Starts the server and waits until it listens; throws what it printed when it ends before. */
export async function serverProcess(folder: string, environment: Environment = {}): Promise<ServerProcess> {
  const child = start(folder, ['serve'], { ...defaults, ...environment })
  const text: string[] = []
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  const listening = new Promise<string>((resolve) => {
    const read = (chunk: unknown) => {
      text.push(String(chunk))
      const address = /Listening at (http:\/\/[^"\s]+)/.exec(text.join(''))?.[1]
      if (address !== undefined) resolve(address)
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
  })
  const address = await Promise.race([
    listening,
    ended.then((code) => {
      throw new Error(`the server ended with ${code}: ${text.join('')}`)
    }),
  ])
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal)
    return ended
  }
  return {
    address,
    output: () => text.join(''),
    signal: (name) => void child.kill(name),
    stopReading: () => child.stdout?.destroy(),
    client: (cookies) => new Client(address, cookies),
    end,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) await end('SIGKILL')
    },
  }
}

/** Asks again and again until the answer is what is waited for; returns how long that took. Throws after `limitMs`. */
export async function until(limitMs: number, ask: () => Promise<boolean>): Promise<number> {
  const start = performance.now()
  for (;;) {
    if (await ask()) return performance.now() - start
    await new Promise((resolve) => setImmediate(resolve))
    if (performance.now() - start > limitMs) throw new Error(`not so after ${limitMs} ms`)
  }
}
