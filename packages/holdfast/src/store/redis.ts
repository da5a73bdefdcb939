/**
 * Everything in Redis or Valkey: one server, servers under Sentinel, or a Cluster; for several nodes.
 *
 * Takes a connected client of node-redis 6 (`createClient`, `createCluster`, `createSentinel`). Another driver fits
 * when wrapped: `{ isReady, sendCommand: (args) => client.call(...args) }` is enough for ioredis or iovalkey on one
 * server; without `duplicate` the engine remembers no verified sessions and revocations are not reported as durable.
 * Do not give the client a `keyPrefix` (use `prefix` here).
 *
 * Options that the client should have: `disableOfflineQueue: true` (in a Cluster under `defaults`), `pingInterval: 1000`
 * with `socket: { socketTimeout: 5000, reconnectStrategy: 100 }`, so that a route that was lost is noticed (the store helps:
 * the driver counts from the last thing that was sent, and so nothing is once all has gone unanswered for 2 s), and in a
 * Cluster `topologyRefreshOnReconnectionAttemptStrategy: 100`, or a failover takes five seconds instead of two. The
 * driver's own command timeout, which costs most of its speed, is off for all that the store sends.
 *
 * All sessions of a subject are in one slot and every race is settled by a script there. Redis acknowledges a write
 * before replicas have it, so a failover can lose the latest: what was revoked is written on a connection of its own
 * and followed by WAIT, and each node asserts its revocations of the last ten minutes again when a primary changes.
 * Native expiry only collects garbage: keys live on for `retention` after the last session in them has ended.
 */
import { checkOptions, checkRedisClient, type OptionTypes } from './arguments.ts'
import { type Assertive, assertRevocations, Reassertion } from './reassertion.ts'
import { RecentRevocations } from './recent-revocations.ts'
import { RedisApiKeys } from './redis-api-keys.ts'
import { RedisChanges } from './redis-changes.ts'
import { linkOf, type RedisClient, type RedisConnect } from './redis-client.ts'
import { RedisCounters } from './redis-counters.ts'
import { RedisDenylist } from './redis-denylist.ts'
import { type Durability, DurableWriter } from './redis-durable.ts'
import { RedisEventLog } from './redis-event-log.ts'
import { RedisKeys } from './redis-keys.ts'
import { RedisList } from './redis-list.ts'
import { lookupsOf } from './redis-lookups.ts'
import { RedisSessions } from './redis-sessions.ts'
import { RedisSweep } from './redis-sweep.ts'
import { RedisTickets } from './redis-tickets.ts'
import type { Store } from './store.ts'

export type {
  RedisAddress,
  RedisClient,
  RedisCluster,
  RedisConnect,
  RedisConnection,
  RedisMode,
  RedisSentinel,
} from './redis-client.ts'
export type { Durability } from './redis-durable.ts'
export { connectRedis, inspectRedis, type RedisNodeReport, type RedisReport } from './redis-inspect.ts'
export { RedisOpenError, type RedisOpenProblem } from './redis-open-error.ts'

export interface RedisStoreOptions {
  /** Begins every key. Default `hf:`. No braces: those choose the slot. */
  readonly prefix?: string
  /** How long Redis keeps what has ended before it lets it go unswept, in ms. At least the engine's. Default 2 days. */
  readonly retention?: number
  readonly durability?: Durability
  /** Commands that may wait for an answer at once; more are a fault at once. Default 10,000. */
  readonly maxInFlight?: number
  /** Slot tags whose sessions are remembered as handed out, for the change feed. Default 200,000. */
  readonly maxKnown?: number
  /**
   * Opens a connection to a server, for a Sentinel client: `({ host, port }, overrides) => createClient({ ...overrides,
   * socket: { host, port, reconnectStrategy: 100 } })`, with the credentials that it needs. Without it a Sentinel
   * client has no change feed and revocations are not reported as durable.
   */
  readonly connect?: RedisConnect
}

export interface RedisStore extends Store {
  /** Closes the connections that the store opened; the client that it was given stays open. */
  [Symbol.asyncDispose](): Promise<void>
}

const day = 86_400_000
const defaults = { prefix: 'hf:', retention: 2 * day, maxInFlight: 10_000, maxKnown: 200_000 } as const

/**
 * Throws a `RangeError` for an option out of range, and a `TypeError` for a name that is none, a value of another type and for
 * what is no client. Asks the server nothing: see `connectRedis` and `inspectRedis`.
 */
export function redisStore(client: RedisClient, options: RedisStoreOptions = {}): RedisStore {
  checkRedisClient(client)
  const { prefix, retention, maxInFlight, maxKnown } = checked(options)
  const link = linkOf(client, { maxInFlight, connect: options.connect })
  const keys = new RedisKeys(prefix)
  const recent = new RecentRevocations()
  const writer = new DurableWriter(link, options.durability ?? {})
  const changes = new RedisChanges({
    link,
    keys,
    capacity: maxKnown,
    onForgotten: (ids) => sessions.decoded.forget(ids),
    onPrimary: () => reassertion.start(),
    onAsked: () => reassertion.resume(),
  })
  const sessions = new RedisSessions({
    link,
    keys,
    lookups: lookupsOf({ link, keys, maxInFlight }),
    writer,
    recent,
    retention,
    onHandedOut: (id) => changes.remember(id),
    isHandedOut: (id) => changes.remembers(id),
    onChanged: (ids) => changes.tell(ids),
  })
  const denylist = new RedisDenylist(link, keys, writer)
  const apiKeys = new RedisApiKeys(link, keys, writer)
  const assertive: Assertive = {
    assertEveryone: (epochs, revocation) => sessions.assertEveryone(epochs, revocation),
    revokeOne: (id, revocation) => sessions.revokeOne(id, null, revocation),
  }
  const reassertion = new Reassertion([
    () => assertRevocations(recent, assertive),
    () => denylist.assertAgain(),
    () => apiKeys.assertAgain(),
  ])
  const list = new RedisList(link, keys, sessions)
  const sweeper = new RedisSweep(link, keys, sessions)
  writer.start()
  return {
    tickets: new RedisTickets(link, keys),
    counters: new RedisCounters(link, keys),
    denylist,
    apiKeys,
    eventLog: new RedisEventLog(link, keys),
    ...(link.opensOwn ? { changes } : {}),
    insert: (record, cap) => sessions.insert(record, cap),
    get: (id, held) => sessions.get(id, held),
    replace: (next, revision) => sessions.replace(next, revision),
    touch: (sightings) => sessions.touch(sightings),
    list: (query) => list.list(query),
    revoke: (target, revocation) => sessions.revoke(target, revocation),
    async sweep(query) {
      const swept = await sweeper.sweep(query)
      changes.tell(swept)
      return swept.length
    },
    async [Symbol.asyncDispose]() {
      changes.stop()
      writer.stop()
    },
  }
}

const optionTypes: OptionTypes<RedisStoreOptions> = {
  prefix: 'text',
  retention: 'number',
  durability: 'object',
  maxInFlight: 'number',
  maxKnown: 'number',
  connect: 'function',
}

type Checked = Required<Pick<RedisStoreOptions, keyof typeof defaults>>

function checked(options: RedisStoreOptions): Checked {
  checkOptions(options, optionTypes)
  const { prefix = defaults.prefix, ...given } = options
  if (/[{}]/.test(prefix) || prefix === '') throw new RangeError('prefix must not be empty nor hold braces')
  const countOf = (name: Exclude<keyof Checked, 'prefix'>): number => {
    const count = given[name] ?? defaults[name]
    if (!Number.isInteger(count) || count < 1) throw new RangeError(`${name} must be an integer from 1`)
    return count
  }
  return { prefix, retention: countOf('retention'), maxInFlight: countOf('maxInFlight'), maxKnown: countOf('maxKnown') }
}
