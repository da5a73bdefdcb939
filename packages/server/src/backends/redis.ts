/** Sessions in Redis or Valkey: one server, a Cluster, or servers under Sentinel. */
import { connectRedis, inspectRedis, RedisOpenError, type RedisReport, redisStore } from 'holdfast/store/redis'
import { systemNow, timeLimit } from '../clock.ts'
import { placeOf, type RedisBackend } from '../config/backend.ts'
import { type OpenedStore, type Place, patienceMs } from './place.ts'
import { createRedisClient, type OpenedClient } from './redis-client.ts'
import { redisFindings } from './redis-findings.ts'
import { tlsProblems } from './tls.ts'

interface Connected extends OpenedClient {
  readonly report: RedisReport
}

async function connected(backend: RedisBackend): Promise<Connected> {
  const opened = createRedisClient(backend)
  return { ...opened, report: await connectRedis(opened.client, timeLimit(patienceMs)) }
}

async function inspected(backend: RedisBackend): Promise<RedisReport> {
  const { client, destroy } = await connected(backend)
  try {
    return await inspectRedis(client, systemNow)
  } finally {
    destroy()
  }
}

/** Redis itself would end sessions, and forget that some were ended, when memory runs out. */
function evictionProblems(backend: RedisBackend, { nodes }: RedisReport): readonly string[] {
  if (backend.allowsEviction) return []
  const evicting = nodes.filter(({ evictionPolicy }) => evictionPolicy !== 'noeviction')
  return evicting.map(
    ({ name, evictionPolicy }) =>
      `${placeOf(backend)}: maxmemory-policy of ${name} is ${evictionPolicy}, which drops sessions: set noeviction (or eviction=allow)`,
  )
}

export function redisSessions(backend: RedisBackend): Place<OpenedStore> {
  const { prefix, replicas, whenNotDurable } = backend
  return {
    async problems() {
      const unreadable = tlsProblems(backend.tls)
      if (unreadable.length > 0) return unreadable
      try {
        return evictionProblems(backend, await inspected(backend))
      } catch (fault) {
        return [`${placeOf(backend)}: ${RedisOpenError.from(fault).why}`]
      }
    },
    async open(tell) {
      const { client, connect, destroy } = await connected(backend)
      for (const event of ['error', 'node-error', 'client-error']) (client as Listenable).on?.(event, tell)
      const store = redisStore(client, { prefix, durability: { replicas, whenNotDurable }, ...(connect && { connect }) })
      const close = async () => {
        await store[Symbol.asyncDispose]()
        destroy()
      }
      return { store, close }
    },
    schemaVersion: async () => undefined,
    examine: async () => redisFindings(backend, await inspected(backend)),
  }
}

interface Listenable {
  on?(event: string, listener: (fault: unknown) => void): unknown
}
