/** Failover with real processes: what was revoked stays so, though no replica had heard of it. */
import { expect, it } from 'vitest'
import {
  eventually,
  type RedisServer,
  startRedis,
  startRedisCluster,
  startRedisSentinel,
} from '../../../../../test/services/redis.ts'
import type { Denial } from '../../../src/store/denylist.ts'
import { companionShardOf } from '../../../src/store/redis-companions.ts'
import { slotOf } from '../../../src/store/redis-keys.ts'
import type { SessionRecord } from '../../../src/store/store.ts'
import { sampleKey } from '../../../src/testing/contract/api-keys.ts'
import { minute, sample, sampleId, start } from '../../../src/testing/contract/check.ts'
import { type Connected, connectCluster, connectSentinel } from './clients.ts'
import { type Node, openNode, until, whole } from './nodes.ts'

const admin = { at: start + minute, reason: 'admin' } as const
const ids = [1, 2, 3].map((number) => sampleId(number))
const isRevoked = (record: SessionRecord | undefined): boolean => record?.revokedAt === admin.at

const key = sampleKey(1, { id: 'backup' })
const denialOf = (key: string): Denial => ({ key, before: null, expiresAt: start + 60 * minute })

interface Set {
  readonly primary: RedisServer
  readonly replicas: readonly RedisServer[]
  /** A denial that this primary holds; it also holds the sessions and the API key. */
  readonly denial: Denial
  open(): Promise<Connected>
}

/** Replicas hear nothing more from the primary; they go on once it is gone. */
async function isolate({ primary, replicas }: Pick<Set, 'primary' | 'replicas'>): Promise<void> {
  for (const replica of replicas) replica.freeze()
  await primary.cli('client', 'kill', 'type', 'replica')
}

/**
 * Revokes where no replica hears of it, kills the primary, and watches: the node that revoked must never call the
 * session live, and the other must agree once the new primary has been told.
 */
async function expectNoRevival({ denial, ...set }: Set): Promise<void> {
  const [one, two] = await Promise.all([openNode(set.open()), openNode(set.open())])
  await Promise.all([whole(one.feed), whole(two.feed)])
  for (const number of [1, 2, 3]) await one.store.insert(sample(number))
  await one.store.apiKeys.insert(key)
  await eventually(
    'the replicas have the sessions',
    async () => (await set.primary.cli('wait', String(set.replicas.length), '100')) !== '0',
  )
  await isolate(set)
  const revoked = await one.store.revoke({ subject: 'alice', except: sampleId(3) }, admin)
  expect({ ...revoked, ids: [...revoked.ids].sort() }).toEqual({ ids: ids.slice(0, 2), durable: false })
  expect(await one.store.apiKeys.revoke(key.id, admin.at)).toBe(true)
  expect(await one.store.denylist.put(denial)).toEqual({ durable: false })
  await set.primary.kill()
  for (const replica of set.replicas) replica.thaw()

  await until('the new primary takes changes', async () => {
    await neverLive(one)
    await one.store.touch([{ id: sampleId(3), seenAt: start + 5, idleExpiresAt: start + minute, ip: null }])
    return true
  })
  await until('the other node sees them revoked', async () => {
    await neverLive(one)
    return (await Promise.all(ids.slice(0, 2).map((id) => two.store.get(id)))).every(isRevoked)
  })
  expect((await two.store.get(sampleId(3)))?.revokedAt).toBe(null)
  await until('the other node sees the key ended', async () => (await two.store.apiKeys.get(key.id))?.revokedAt === admin.at)
  await until('the other node sees the denial', async () => (await two.store.denylist.find([denial.key], start)).length === 1)
  await Promise.all([whole(one.feed), whole(two.feed)])
  two.told.length = 0
  expect((await one.store.revoke({ id: sampleId(3) }, admin)).ids).toEqual([sampleId(3)])
  await until('the feed works at the new primary', () => two.heard(sampleId(3)))
}

/** Either it cannot tell, or the answer is "revoked". */
async function neverLive({ store }: Node): Promise<true> {
  const record = await Promise.resolve(store.get(sampleId(1))).catch(() => 'unknown' as const)
  if (record !== 'unknown' && !isRevoked(record)) throw new Error('a revoked session came back to life')
  return true
}

it('keeps sessions revoked through a failover by Sentinel', async () => {
  const set = await startRedisSentinel()
  const [primary, ...replicas] = set.servers
  if (primary === undefined) throw new Error('no primary')
  try {
    await expectNoRevival({ primary, replicas, denial: denialOf('one'), open: () => connectSentinel(set.name, set.sentinels) })
  } finally {
    await set.stop()
  }
})

it('keeps sessions revoked through a failover in a Cluster', async () => {
  const cluster = await startRedisCluster()
  const ownerOf = (hashTag: string) => Math.floor(slotOf(hashTag) / Math.ceil(16_384 / 3))
  const owner = ownerOf(sampleId(1).slice(0, 2))
  expect(ownerOf('keys')).toBe(owner)
  const denial = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight']
    .map(denialOf)
    .find(({ key: name }) => ownerOf(companionShardOf(name)) === owner)
  const [primary, replica] = [cluster.servers[owner], cluster.servers[owner + 3]]
  if (primary === undefined || replica === undefined || denial === undefined) throw new Error('no such servers')
  try {
    await expectNoRevival({ primary, replicas: [replica], denial, open: () => connectCluster(cluster.rootNodes) })
  } finally {
    await cluster.stop()
  }
})

it('says that a revocation is durable when a replica has it, and keeps it through the failover', {
  timeout: 60_000,
}, async () => {
  const set = await startRedisSentinel()
  const [primary] = set.servers
  try {
    const open = () => connectSentinel(set.name, set.sentinels)
    const [one, two] = await Promise.all([openNode(open(), { durability: { timeoutMs: 1000 } }), openNode(open())])
    await Promise.all([whole(one.feed), whole(two.feed)])
    await one.store.insert(sample(1))
    expect(await one.store.revoke({ id: sampleId(1) }, admin)).toEqual({ ids: [sampleId(1)], durable: true })
    await primary?.kill()
    await until('the new primary answers', async () => isRevoked(await two.store.get(sampleId(1))))
  } finally {
    await set.stop()
  }
})

it('vouches for nothing until it listens to a primary that joined and took over slots', async () => {
  const cluster = await startRedisCluster()
  const joined = await startRedis({ args: ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000'] })
  try {
    const node = await openNode(connectCluster(cluster.rootNodes))
    await whole(node.feed)
    const slot = slotOf(sampleId(1).slice(0, 2))
    const owner = cluster.servers[Math.floor(slot / Math.ceil(16_384 / 3))]
    const [any] = cluster.servers
    const id = await joined.cli('cluster', 'myid')
    await joined.cli('cluster', 'meet', '127.0.0.1', String(any?.port), String(any?.busPort))
    await eventually('the new server is known', async () => (await owner?.cli('cluster', 'nodes'))?.includes(id) === true)
    await eventually('it knows the others', async () => (await joined.cli('cluster', 'info')).includes('cluster_known_nodes:7'))
    await joined.cli('cluster', 'setslot', String(slot), 'importing', (await owner?.cli('cluster', 'myid')) ?? '')
    await joined.cli('cluster', 'setslot', String(slot), 'node', id)
    await owner?.cli('cluster', 'setslot', String(slot), 'node', id)
    // Nothing that this node sends from here on names the slot: it has to find out by itself.
    await until('it has found out', () => !node.feed.confirm(Date.now(), 60_000))
    await whole(node.feed)
    const other = await openNode(connectCluster(cluster.rootNodes))
    await other.store.insert(sample(1))
    await node.store.get(sampleId(1))
    node.told.length = 0
    await other.store.revoke({ id: sampleId(1) }, admin)
    await until('it is told by the new primary', () => node.told.some((ids) => ids?.includes(sampleId(1))))
  } finally {
    await Promise.all([cluster.stop(), joined.stop()])
  }
})
