/** Child processes that work on one database file at once. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Order, Report } from './worker.ts'

const script = fileURLToPath(new URL('./worker.ts', import.meta.url))

export interface Worker {
  readonly child: ChildProcess
  order(order: Order): Promise<Report>
  stop(): Promise<void>
}

/** Starts a process; resolves when it has opened its store. */
export async function startWorker(path: string): Promise<Worker> {
  const child = fork(script, [path], {
    execArgv: ['--conditions=@holdfast/source'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const exited = once(child, 'exit')
  const next = async (): Promise<Report> => {
    const [message] = await Promise.race([once(child, 'message'), exited.then(() => [{ fault: 'the worker has exited' }])])
    if ('fault' in message) throw new Error(String(message.fault))
    return message
  }
  await next()
  return {
    child,
    order: (order) => {
      child.send(order)
      return next()
    },
    stop: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** Starts several at the same time, runs the body and stops them. */
export async function withWorkers(
  path: string,
  count: number,
  body: (workers: readonly Worker[]) => Promise<void>,
): Promise<void> {
  const started = await Promise.allSettled(Array.from({ length: count }, () => startWorker(path)))
  const workers = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  try {
    for (const each of started) if (each.status === 'rejected') throw each.reason
    await body(workers)
  } finally {
    for (const worker of workers) await worker.stop()
  }
}
