/** Ways that the nodes have to their store, each its own, and what can happen on them. */
import { setTimeout as pause } from 'node:timers/promises'
import { startTcpProxy, type TcpProxy } from '../../services/tcp-proxy.ts'
import type { Fault } from '../run.ts'

export type Routes = readonly [TcpProxy, TcpProxy, TcpProxy]

export async function routesTo(port: number): Promise<Routes> {
  return Promise.all([startTcpProxy({ port }), startTcpProxy({ port }), startTcpProxy({ port })])
}

/** `feed`: what the connection of the change feed says and no other does. */
export function routeFaults([first, second, third]: Routes, feed: RegExp): Fault[] {
  return [
    { what: 'connections cut', run: async () => first.cut() },
    {
      what: 'slow connections',
      async run() {
        second.delay(80)
        await pause(800)
        second.delay(0)
      },
    },
    {
      what: 'a lost route',
      async run() {
        third.hold()
        await pause(1200)
        third.release()
      },
    },
    {
      what: 'notifications lost, everything else passed on',
      async run() {
        second.hold(feed)
        await pause(1200)
        second.cut(feed)
        second.release()
      },
    },
  ]
}
