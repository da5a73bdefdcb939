/** Ways that the nodes have to their store, each its own, and what can happen on them. */
import { setTimeout as pause } from 'node:timers/promises'
import { startTcpProxy, type TcpProxy } from '../../services/tcp-proxy.ts'
import type { Fault } from '../run.ts'

export type Routes = readonly [TcpProxy, TcpProxy, TcpProxy]

export async function routesTo(port: number): Promise<Routes> {
  return Promise.all([startTcpProxy({ port }), startTcpProxy({ port }), startTcpProxy({ port })])
}

/** `feed`: what the connection of the change feed says and no other does. */
export function routeFaults(routes: Routes, feed: RegExp): Fault[] {
  const [first, second, third] = routes
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
    {
      what: 'notifications lost, and the clock set back again and again',
      async run(victim, nodes) {
        const backwards = async (by: number) => nodes[1]?.ask({ do: 'setClock', by })
        await victim.check(1)
        second.hold(feed)
        await victim.revoke()
        for (let step = 0; step < 6; step += 1) {
          await pause(200)
          await backwards(-180)
          await victim.check(1)
        }
        second.cut(feed)
        second.release()
        await backwards(6 * 180)
      },
    },
    {
      what: 'a store that takes 200 ms for each answer',
      async run(victim) {
        await victim.check(1)
        for (const route of routes) route.delay(100)
        await victim.revoke()
        await pause(600)
        await victim.check(1)
        for (const route of routes) route.delay(0)
      },
    },
    {
      what: 'connections lost without a word as one revokes',
      async run(victim) {
        await Promise.all([victim.check(0), victim.check(1)])
        first.lose()
        second.lose(feed)
        await victim.revoke()
        await victim.check(1)
      },
    },
  ]
}
