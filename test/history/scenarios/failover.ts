/** A primary that is lost with a revocation that no other server has. */
import { eventually, type RedisServer } from '../../services/redis.ts'
import type { Victim } from '../load.ts'

export async function isPrimary(server: RedisServer): Promise<boolean> {
  return (await server.cli('role')).startsWith('master')
}

export interface Loss {
  readonly primary: RedisServer
  readonly replicas: readonly RedisServer[]
  /** All that are to hear nothing while the victim is revoked. */
  readonly others: readonly RedisServer[]
}

/** Revokes where no replica hears of it, kills the primary, and resolves to the replica that has taken over. */
export async function losePrimary({ primary, replicas, others }: Loss, victim: Victim): Promise<RedisServer> {
  for (const other of others) other.freeze()
  await primary.cli('client', 'kill', 'type', 'replica')
  await victim.revoke()
  await primary.kill()
  for (const other of others) other.thaw()
  let next: RedisServer | undefined
  await eventually('a replica is primary', async () => {
    for (const replica of replicas) if (await isPrimary(replica)) next = replica
    return next !== undefined
  })
  return next ?? primary
}

/** The server that was lost comes back with nothing, as a replica of the next one. */
export async function bringBack(lost: RedisServer, isFollowing: () => Promise<boolean>): Promise<void> {
  await lost.restart()
  await eventually('the lost server follows the new primary', isFollowing)
}

export async function isInStep(replica: RedisServer, { port }: RedisServer): Promise<boolean> {
  const info = await replica.cli('info', 'replication')
  return info.includes(`master_port:${port}\r`) && info.includes('master_link_status:up')
}
