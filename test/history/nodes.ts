/** Three processes, each a node. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { NodeOptions, Order } from './order.ts'

const program = fileURLToPath(new URL('./node.ts', import.meta.url))

export interface Node {
  /** Rejects with the fault of the node. */
  // biome-ignore lint/suspicious/noExplicitAny: what comes over the wire depends on the order, and callers say what it is.
  ask(order: Order): Promise<any>
  /** Halts the process without ending it: what it is asked meanwhile it answers when it goes on. */
  freeze(): void
  thaw(): void
  stop(): Promise<void>
}

export async function startNode(options: NodeOptions): Promise<Node> {
  const child: ChildProcess = fork(program, [JSON.stringify(options)], {
    execArgv: ['--conditions=@holdfast/source', '--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const exited = once(child, 'exit')
  const waiting = new Map<number, { resolve: (answer: unknown) => void; reject: (fault: Error) => void }>()
  await Promise.race([once(child, 'message'), exited.then(() => Promise.reject(new Error('a node did not start')))])
  child.on('message', ({ number, answer, fault }: { number: number; answer?: unknown; fault?: string }) => {
    const asked = waiting.get(number)
    waiting.delete(number)
    if (fault === undefined) asked?.resolve(answer)
    else asked?.reject(new Error(fault))
  })
  exited.then(() => {
    for (const { reject } of waiting.values()) reject(new Error('the node has ended'))
  })
  let last = 0
  return {
    ask: (order) =>
      new Promise((resolve, reject) => {
        last += 1
        waiting.set(last, { resolve, reject })
        child.send({ number: last, order }, (fault) => fault && reject(fault))
      }),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async stop() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
