/** Looks at the servers behind a client: what they are, and what about them endangers sessions. */
import { checkRedisClient } from './arguments.ts'
import {
  commandOptions,
  modeOf,
  type RedisClient,
  type RedisCluster,
  type RedisClusterNode,
  type RedisConnection,
  type RedisMode,
} from './redis-client.ts'
import { openErrorOf, RedisOpenError } from './redis-open-error.ts'
import type { Instant } from './store.ts'

export interface RedisNodeReport {
  /** `host:port` in a cluster, else `primary`. */
  readonly name: string
  readonly product: 'redis' | 'valkey'
  readonly version: string
  /** `noeviction` for a store in order: any other lets Redis drop sessions and revocations when memory runs out. */
  readonly evictionPolicy: string
  /** Whether the append-only file or snapshots are kept. */
  readonly appendOnly: boolean
  readonly lastSnapshotOk: boolean
  /** Replicas that are connected now. */
  readonly replicas: number
  /** Bytes in use and allowed; 0: no limit. */
  readonly usedMemory: number
  readonly maxMemory: number
  /** Server's clock minus this node's, in ms; only for an `inspectRedis` that was given a clock. */
  readonly clockOffset?: number
}

export interface RedisReport {
  readonly mode: RedisMode
  /** The primaries. */
  readonly nodes: readonly RedisNodeReport[]
  /** Slots that a primary serves; null outside a cluster. */
  readonly slotsServed: number | null
  /** What should be changed, in words; none for a store in order. */
  readonly warnings: readonly string[]
}

const oldest = [6, 2] as const
const allSlots = 16_384

/**
 * Connects a client and looks at what it found. Rejects with a `RedisOpenError` at the first sign that it will not do, and
 * destroys the client then: node-redis itself would try for ever. Of several servers some may be down; a Sentinel
 * client goes on asking even when none answers, until `signal` ends it: give one, such as `AbortSignal.timeout(5000)`.
 */
export async function connectRedis(client: RedisClient, signal?: AbortSignal): Promise<RedisReport> {
  checkRedisClient(client)
  const connection = client as Connectable
  let giveUp: (fault: unknown) => void = () => {}
  const failed = new Promise<never>((_, reject) => {
    giveUp = reject
  })
  signal?.addEventListener('abort', () => giveUp(signal.reason))
  const isAlone = modeOf(client) === 'single'
  // What a driver rejects with in the end says less than what it met on the way.
  let met: unknown
  for (const event of ['error', 'node-error', 'client-error']) {
    connection.on?.(event, (fault: unknown) => {
      met ??= fault
      if (isAlone || openErrorOf(fault).problem === 'refused') giveUp(fault)
    })
  }
  try {
    await Promise.race([connection.connect?.(), failed])
    return await Promise.race([inspectRedis(client), failed])
  } catch (fault) {
    connection.destroy?.()
    throw openErrorOf(fault instanceof RedisOpenError ? fault : (met ?? fault))
  }
}

interface Connectable {
  connect?(): Promise<unknown>
  destroy?(): unknown
  on?(event: string, listener: (fault: unknown) => void): unknown
}

/**
 * Of a connected client; `now` is this node's clock, to compare the servers' with. Rejects with a `RedisOpenError` when
 * the servers cannot be used at all.
 */
export async function inspectRedis(client: RedisClient, now?: () => Instant): Promise<RedisReport> {
  checkRedisClient(client)
  try {
    const mode = modeOf(client)
    const nodes = await Promise.all(sendersOf(client).map(([name, send]) => inspectNode(name, send, now)))
    const slotsServed = mode === 'cluster' ? await countSlots(client as RedisCluster) : null
    if (slotsServed !== null && slotsServed < allSlots) {
      throw new RedisOpenError('incomplete', `the cluster serves ${slotsServed} of ${allSlots} slots`)
    }
    return { mode, nodes, slotsServed, warnings: nodes.flatMap(warningsOf) }
  } catch (fault) {
    throw openErrorOf(fault)
  }
}

type Sender = (args: string[]) => Promise<unknown>

function sendersOf(client: RedisClient): (readonly [name: string, send: Sender])[] {
  if ('masters' in client) return client.masters.map((node) => [node.address, clusterSender(client, node)] as const)
  if ('getMasterNode' in client) return [['primary', (args) => client.sendCommand(false, args, commandOptions)]]
  return [['primary', (args) => client.sendCommand(args, commandOptions)]]
}

function clusterSender<Node extends RedisClusterNode>(client: RedisCluster<Node>, node: Node): Sender {
  return async (args) => {
    const connection: RedisConnection = await client.nodeClient(node)
    return connection.sendCommand(args, commandOptions)
  }
}

async function inspectNode(name: string, send: Sender, now?: () => Instant): Promise<RedisNodeReport> {
  const info = parseInfo(String(await send(['INFO'])))
  const version = info.get('valkey_version') ?? info.get('redis_version') ?? ''
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
    throw new RedisOpenError('too-old', `${name} is version ${version || 'unknown'}: ${oldest.join('.')} or newer is needed`)
  }
  if (info.get('role') !== 'master') throw new RedisOpenError('not-primary', `${name} is a replica`)
  return {
    name,
    product: info.has('valkey_version') ? 'valkey' : 'redis',
    version,
    evictionPolicy: info.get('maxmemory_policy') ?? 'unknown',
    appendOnly: info.get('aof_enabled') === '1',
    lastSnapshotOk: info.get('rdb_last_bgsave_status') === 'ok',
    replicas: Number(info.get('connected_slaves') ?? 0),
    usedMemory: Number(info.get('used_memory') ?? 0),
    maxMemory: Number(info.get('maxmemory') ?? 0),
    ...(now === undefined ? {} : { clockOffset: await offsetOf(send, now) }),
  }
}

async function offsetOf(send: Sender, now: () => Instant): Promise<number> {
  const before = now()
  const [seconds, microseconds] = (await send(['TIME'])) as readonly unknown[]
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000) - Math.round((before + now()) / 2)
}

function parseInfo(text: string): Map<string, string> {
  const pairs = text.split(/\r?\n/).map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)] as const)
  return new Map(pairs.filter(([key]) => key !== ''))
}

async function countSlots(client: RedisCluster): Promise<number> {
  const [first] = client.masters
  if (first === undefined) return 0
  const info = String(await clusterSender(client, first)(['CLUSTER', 'INFO']))
  return Number(/cluster_slots_ok:(\d+)/.exec(info)?.[1] ?? 0)
}

function warningsOf({ name, evictionPolicy, appendOnly, replicas, usedMemory, maxMemory }: RedisNodeReport): string[] {
  const warnings: string[] = []
  if (evictionPolicy !== 'noeviction') {
    warnings.push(`${name}: maxmemory-policy is ${evictionPolicy}; set noeviction, or sessions and revocations may be dropped`)
  }
  if (!appendOnly) warnings.push(`${name}: appendonly is off; a restart loses what came after the last snapshot`)
  if (replicas === 0) warnings.push(`${name}: no replica; revocations do not survive the loss of this server`)
  if (maxMemory > 0 && usedMemory > maxMemory * 0.9) warnings.push(`${name}: memory is nearly full`)
  return warnings
}
