/** Child processes that answer over IPC, so that each part is measured in a process of its own and always stopped. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface ChildOptions {
  /** Flags for Node, such as `--expose-gc`. */
  readonly flags?: readonly string[]
  /** CPU to run on; absent: wherever the system likes. */
  readonly cpu?: number | undefined
}

export interface Child {
  /** The next thing the child says. Rejects when it ends without a word. */
  next(): Promise<unknown>
  ask(question: string | object): Promise<unknown>
  stop(): Promise<void>
}

const stopPatience = 5000
const sourceCondition = '--conditions=@holdfast/source'
const quiet = '--disable-warning=ExperimentalWarning'

export function startChild(module: URL, args: readonly string[], { flags = [], cpu }: ChildOptions = {}): Child {
  const node = [sourceCondition, quiet, ...flags]
  const launch =
    cpu === undefined
      ? { execArgv: node }
      : { execPath: 'taskset', execArgv: ['--cpu-list', String(cpu), process.execPath, ...node] }
  const child = fork(fileURLToPath(module), args, { ...launch, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  let complaints = ''
  child.stderr?.on('data', (text) => {
    complaints = `${complaints}${text}`.slice(-2000)
  })
  const ended = once(child, 'exit')
  const said: unknown[] = []
  child.on('message', (message) => said.push(message))

  async function next(): Promise<unknown> {
    while (said.length === 0) {
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`${module.pathname.split('/').at(-1)} ${args.join(' ')} ended early: ${complaints}`)
      }
      const waiting = new AbortController()
      await Promise.race([once(child, 'message', { signal: waiting.signal }), ended])
      waiting.abort()
    }
    return said.shift()
  }

  return {
    next,
    ask(question) {
      child.send(question)
      return next()
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      const force = setTimeout(() => child.kill('SIGKILL'), stopPatience)
      await ended
      clearTimeout(force)
    },
  }
}

/** For the child: what the parent asks, answered. Ends with the parent, so that none is left behind. */
export function answer(answers: Readonly<Record<string, () => unknown>>): void {
  process.on('message', (question) => process.send?.(answers[String(question)]?.()))
  process.on('disconnect', () => process.exit(0))
  process.on('SIGTERM', () => process.exit(0))
}

export function tell(message: unknown): void {
  process.send?.(message)
}
