import { eventually, type RedisServer, startRedisSentinel } from '../../services/redis.ts'
import type { Fault } from '../run.ts'
import { bringBack, isInStep, isPrimary, losePrimary } from './failover.ts'
import { nodeFaults } from './own.ts'
import { connectionFaults } from './redis.ts'
import { type Scenario, three } from './scenario.ts'

export async function sentinel(): Promise<Scenario> {
  const { name, sentinels, sentinelCli, servers, stop } = await startRedisSentinel()
  const roles = async () => {
    const [at = -1] = (await Promise.all(servers.map(isPrimary))).flatMap((is, index) => (is ? [index] : []))
    const primary = servers[at]
    if (primary === undefined) throw new Error('no server is primary')
    return { primary, replicas: servers.filter((server) => server !== primary) }
  }
  const allFollow = async (primary: RedisServer) => {
    const others = servers.filter((server) => server !== primary)
    return (await Promise.all(others.map((server) => isInStep(server, primary)))).every((is) => is)
  }
  const loss: Fault = {
    what: 'kill -9 of the primary after an unreplicated revocation, failover by Sentinel',
    forgets: 'latest',
    async run(victim) {
      const { primary: lost, replicas } = await roles()
      const next = await losePrimary({ primary: lost, replicas, others: replicas }, victim)
      await bringBack(lost, async () => {
        // Sentinel would do it some ten seconds later.
        if (await isPrimary(lost)) await lost.cli('replicaof', '127.0.0.1', String(next.port))
        return allFollow(next)
      })
    },
  }
  const planned: Fault = {
    what: 'SENTINEL FAILOVER',
    // Sentinel puts the old primary down only some ten seconds after the new one has begun.
    forgets: 'durable',
    async run() {
      const { primary, replicas } = await roles()
      // Refused for a while after another one.
      await eventually('it begins', async () => (await sentinelCli('sentinel', 'failover', name)) === 'OK')
      let next: RedisServer | undefined
      await eventually('another server is primary, and all follow it', async () => {
        if (await isPrimary(primary)) return false
        for (const replica of replicas) if (await isPrimary(replica)) next = replica
        return next !== undefined && (await allFollow(next))
      })
    },
  }
  const connections = connectionFaults(async () => [(await roles()).primary])
  return {
    backends: three(() => ({ kind: 'sentinel', name, sentinels })),
    faults: [loss, ...connections, planned, ...nodeFaults],
    stop,
  }
}
