import { eventually, type RedisServer, startRedis } from '../../services/redis.ts'
import type { Fault } from '../run.ts'
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
  return {
    backends: three((at) => ({ kind: 'redis', url: `redis://127.0.0.1:${routes[at]?.port}` })),
    faults: [...routeFaults(routes, feed), ...connectionFaults(async () => [server]), restart],
    async stop() {
      await Promise.all(routes.map((route) => route.stop()))
      await server.stop()
    },
  }
}
