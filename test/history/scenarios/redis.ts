import { setTimeout as pause } from 'node:timers/promises'
import { eventually, type RedisServer, startRedis } from '../../services/redis.ts'
import type { Fault } from '../run.ts'
import { nodeFaults } from './own.ts'
import { routeFaults, routesTo } from './routes.ts'
import { type Scenario, three } from './scenario.ts'

const feed = /\r\nTRACKING\r\n/

/** Of the connections that a server has: all of them, and those of change feeds alone. */
export function connectionFaults(servers: () => Promise<readonly RedisServer[]>): Fault[] {
  const each = async (work: (server: RedisServer) => Promise<unknown>) => {
    for (const server of await servers()) await work(server)
  }
  return [
    {
      what: 'CLIENT KILL',
      run: () => each((server) => server.cli('client', 'kill', 'type', 'normal', 'skipme', 'yes')),
    },
    { what: 'CLIENT KILL of the tracking connections alone', run: () => each(killTracking) },
  ]
}

async function killTracking(server: RedisServer): Promise<void> {
  const clients = (await server.cli('client', 'list')).split('\n')
  const tracking = clients.filter((line) => /\bflags=\S*t/.test(line)).map((line) => /^id=(\d+)/.exec(line)?.[1] ?? '')
  if (tracking.length === 0) throw new Error('no connection is tracking')
  for (const id of tracking) await server.cli('client', 'kill', 'id', id)
}

/**
 * Nothing that was answered is lost with the process: it is written before. It need not be on the disk as well, which no
 * killed process takes away, and whose pace on a busy machine would be taken for a store that does not recover.
 */
const durable = ['--appendonly', 'yes', '--appendfsync', 'no']

/** A server that stands and does not do as it should. */
function serverFaults({ cli }: RedisServer): Fault[] {
  return [
    {
      what: 'CLIENT PAUSE',
      async run(victim) {
        await victim.check(1)
        await cli('client', 'pause', '800', 'all')
        await victim.revoke()
        await victim.check(1)
      },
    },
    {
      what: 'no memory left',
      async run(victim) {
        await victim.check(1)
        await cli('config', 'set', 'maxmemory', '1')
        await victim.revoke()
        await pause(500)
        await victim.check(1)
        await cli('config', 'set', 'maxmemory', '0')
      },
    },
  ]
}

export async function redis(): Promise<Scenario> {
  const server = await startRedis({ args: durable })
  const routes = await routesTo(server.port)
  const restart = {
    what: 'kill -9 of the server, and a restart',
    async run() {
      await server.restart()
      await eventually('the server answers', async () => (await server.cli('ping')) === 'PONG')
    },
  }
  const emptied: Fault = {
    what: 'FLUSHALL',
    forgets: 'everything',
    async run(victim) {
      await victim.revoke()
      await server.cli('flushall')
    },
  }
  return {
    backends: three((at) => ({ kind: 'redis', url: `redis://127.0.0.1:${routes[at]?.port}` })),
    faults: [
      ...nodeFaults,
      ...routeFaults(routes, feed),
      ...connectionFaults(async () => [server]),
      ...serverFaults(server),
      restart,
      emptied,
    ],
    async stop() {
      await Promise.all(routes.map((route) => route.stop()))
      await server.stop()
    },
  }
}
