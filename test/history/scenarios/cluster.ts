import { slotOf } from '../../../packages/holdfast/src/store/redis-keys.ts'
import { eventually, type RedisServer, startRedisCluster } from '../../services/redis.ts'
import type { Victim } from '../load.ts'
import type { Node } from '../nodes.ts'
import type { Fault } from '../run.ts'
import { bringBack, isInStep, isPrimary, losePrimary } from './failover.ts'
import { nodeFaults } from './own.ts'
import { connectionFaults } from './redis.ts'
import { type Scenario, three } from './scenario.ts'

/** Servers that hold the same slots; the topology never makes others. */
type Shard = readonly RedisServer[]

export async function cluster(): Promise<Scenario> {
  const { servers, rootNodes, stop } = await startRedisCluster()
  const shards: readonly Shard[] = [0, 1, 2].map((at) => servers.filter((_, index) => index % 3 === at))
  const rolesIn = async (shard: Shard) => {
    const [first, second] = shard
    if (first === undefined || second === undefined) throw new Error('no such servers')
    return (await isPrimary(first)) ? { primary: first, replica: second } : { primary: second, replica: first }
  }
  const shardOf = ({ session }: Victim) => shards[Math.floor(slotOf(session.slice(0, 2)) / Math.ceil(16_384 / 3))] ?? []
  const all = () => Promise.all(shards.map(rolesIn))
  const isWhole = async () => {
    const states = await Promise.all(servers.map((server) => server.cli('cluster', 'info')))
    return states.every((state) => state.includes('cluster_state:ok'))
  }
  const loss: Fault = {
    what: 'kill -9 of a primary after an unreplicated revocation, failover in the Cluster',
    forgets: 'latest',
    async run(victim) {
      const { primary: lost, replica } = await rolesIn(shardOf(victim))
      const next = await losePrimary({ primary: lost, replicas: [replica], others: [replica] }, victim)
      await bringBack(lost, async () => (await isInStep(lost, next)) && (await isWhole()))
    },
  }
  const halted: Fault = {
    what: 'a primary halted until another has taken over and every node goes on',
    // When it is continued it is a primary of its own for a moment.
    forgets: 'durable',
    async run(victim, nodes) {
      const { primary: lost, replica: next } = await rolesIn(shardOf(victim))
      lost.freeze()
      await eventually('the replica is primary', () => isPrimary(next))
      await victim.revoke()
      const goesOn = async (node: Node) => (await node.ask({ do: 'live', subject: 'unlucky' })) !== undefined
      for (const node of nodes) await eventually('the node goes on', () => goesOn(node))
      lost.thaw()
      await eventually('it follows', async () => (await isInStep(lost, next)) && (await isWhole()))
    },
  }
  const planned: Fault = {
    what: 'CLUSTER FAILOVER',
    async run() {
      const { primary, replica } = (await all())[0] ?? (await rolesIn([]))
      await eventually('it is done', async () => {
        if (await isPrimary(replica)) return isInStep(primary, replica)
        await replica.cli('cluster', 'failover')
        return false
      })
    },
  }
  const connections = connectionFaults(async () => (await all()).map(({ primary }) => primary))
  return {
    backends: three(() => ({ kind: 'cluster', rootNodes })),
    faults: [loss, halted, ...connections, planned, ...nodeFaults],
    stop,
  }
}
