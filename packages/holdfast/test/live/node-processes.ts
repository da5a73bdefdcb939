/** Nodes in processes of their own. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Order, Place, Report } from './node-program.ts'

const program = fileURLToPath(new URL('./node-program.ts', import.meta.url))

export interface NodeProcess {
  readonly url: string
  readonly port: number
  /** Sends an order without waiting for what comes of it. */
  send(order: Order): void
  /** The next report that has this, from now on. */
  next<Key extends 'revoking' | 'revoked' | 'count' | 'fattened'>(key: Key): Promise<Extract<Report, Record<Key, unknown>>>
  /** Open connections, and events sent so far. */
  look(): Promise<{ readonly count: number; readonly sent: number }>
  kill(): Promise<void>
}

export async function startNode(place: Place): Promise<NodeProcess> {
  const child = fork(program, [JSON.stringify(place)], {
    execArgv: ['--conditions=@holdfast/source'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const exited = once(child, 'exit')
  const { port } = await reportWith(child, exited, 'port')
  const next: NodeProcess['next'] = (key) => reportWith(child, exited, key) as never
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    send: (order) => void child.send(order),
    next,
    look() {
      const answer = next('count')
      child.send({ do: 'count' } satisfies Order)
      return answer
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

function reportWith(child: ChildProcess, exited: Promise<unknown>, key: string): Promise<{ port: number }> {
  return new Promise((resolve, reject) => {
    const hear = (report: Report) => {
      if (!(key in report)) return
      child.off('message', hear)
      resolve(report as { port: number })
    }
    child.on('message', hear)
    void exited.then(() => reject(new Error('the node has ended')))
  })
}
