import { afterAll, beforeAll, describe, it } from 'vitest'
import {
  type RedisClusterSet,
  type RedisSentinelSet,
  type RedisServer,
  startRedis,
  startRedisCluster,
  startRedisSentinel,
} from '../../../../../test/services/redis.ts'
import { redisStore } from '../../../src/store/redis.ts'
import type { Store } from '../../../src/store/store.ts'
import { storeContract } from '../../../src/testing/contract.ts'
import { refreshRaces } from '../../engine/support/refresh-race.ts'
import { type Connected, connect, connectCluster, connectSentinel, connectSingle } from './clients.ts'

let prefixes = 0
/** Fresh data for each check: keys that no other check has. */
const freshPrefix = (): string => {
  prefixes += 1
  return `t${prefixes}:`
}

/**
 * The feed keeps silent on sessions that a store never handed out, as nobody can have kept those: here every store
 * has handed out every session that is inserted through the first.
 */
function seenByAll(store: Store, all: readonly Store[]): Store {
  return {
    ...store,
    async insert(record, cap) {
      const insertion = await store.insert(record, cap)
      for (const each of all) await each.get(record.id)
      return insertion
    },
  }
}

/** Three stores, each with a client of its own, as three nodes have. */
async function threeStores(open: () => Promise<Connected>) {
  const prefix = freshPrefix()
  const clients = await Promise.all([open(), open(), open()])
  const [one, two, three] = clients.map(({ client }) => redisStore(client, { prefix, connect }))
  if (one === undefined || two === undefined || three === undefined) throw new Error('three stores were to be opened')
  const stores = [one, two, three] as const
  const seen = [seenByAll(one, stores), two, three] as const
  return {
    stores: seen,
    async close() {
      for (const store of stores) await store[Symbol.asyncDispose]()
      for (const { close } of clients) close()
    },
  }
}

describe('the store contract on one Redis server', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.stop())
  storeContract({ describe, it }, () => threeStores(() => connectSingle(server.url)))
})

describe('the store contract on a Redis Cluster', () => {
  let cluster: RedisClusterSet
  beforeAll(async () => {
    cluster = await startRedisCluster()
  })
  afterAll(() => cluster.stop())
  storeContract({ describe, it }, () => threeStores(() => connectCluster(cluster.rootNodes)))

  describe('with the refresh tokens of engines on it', () => {
    refreshRaces(async () => {
      const { stores, close } = await threeStores(() => connectCluster(cluster.rootNodes))
      const left: Store[] = [...stores]
      return {
        async open() {
          const store = left.shift()
          if (store === undefined) throw new Error('every node is taken')
          return store
        },
        close,
      }
    })
  })
})

describe('the store contract on Redis under Sentinel', () => {
  let set: RedisSentinelSet
  beforeAll(async () => {
    set = await startRedisSentinel()
  })
  afterAll(() => set.stop())
  storeContract({ describe, it }, () => threeStores(() => connectSentinel(set.name, set.sentinels)))
})
