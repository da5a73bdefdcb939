/** Processes that record on one event log. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Place } from './place.ts'
import type { Order } from './recorder.ts'

const script = fileURLToPath(new URL('./recorder.ts', import.meta.url))

export interface Recorder {
  /** Names of the events that it said were appended. */
  readonly appended: readonly string[]
  order(order: Order): void
  /** Resolves when that has been told so often. */
  told(what: 'appended' | 'done', times: number): Promise<void>
  kill(): Promise<void>
}

export async function startRecorder(place: Place): Promise<Recorder> {
  const child: ChildProcess = fork(script, [JSON.stringify(place)], {
    execArgv: ['--conditions=@holdfast/source'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const exited = once(child, 'exit')
  const appended: string[] = []
  const counts = { appended: 0, done: 0 }
  const waiting = new Set<() => void>()
  child.on('message', (message: { readonly appended?: string[]; readonly done?: boolean }) => {
    appended.push(...(message.appended ?? []))
    if (message.appended !== undefined) counts.appended += 1
    if (message.done === true) counts.done += 1
    for (const look of waiting) look()
  })
  await Promise.race([
    once(child, 'message'),
    exited.then(() => {
      throw new Error('a recorder ended before it was ready')
    }),
  ])
  return {
    appended,
    order: (order) => void child.send(order),
    told: (what, times) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (counts[what] < times) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
        void exited.then(() => reject(new Error('a recorder ended early')))
      }),
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
