/**
 * What the store asks of a driver: the few calls of node-redis 6 that it uses, by structure, so that the library
 * depends on no driver.
 */

import { slotOf } from './redis-keys.ts'
import { Silence } from './redis-silence.ts'
import type { Instant } from './store.ts'

/** Commands never time out by themselves: the engine has one deadline, and node-redis's own costs it most of its speed. */
export const commandOptions = { timeout: 0 } as const
type CommandOptions = typeof commandOptions

/** A single connection, as `createClient` of node-redis makes it. */
export interface RedisConnection {
  readonly isReady: boolean
  readonly isOpen?: boolean
  sendCommand(args: readonly string[], options?: CommandOptions): Promise<unknown>
  /** Absent: no change feed and no durable revocations, as both need connections of their own. */
  duplicate?(overrides: object): RedisConnection
  connect?(): Promise<unknown>
  destroy?(): void
  // biome-ignore lint/suspicious/noExplicitAny: what a listener is given differs by event and by driver.
  on?(event: string, listener: (...args: any[]) => void): unknown
  readonly options?: { readonly socket?: object | undefined } | undefined
}

export interface RedisAddress {
  readonly host: string
  readonly port: number
}

export interface RedisClusterNode extends RedisAddress {
  readonly address: string
}

/** A cluster, as `createCluster` of node-redis makes it. */
export interface RedisCluster<Node extends RedisClusterNode = RedisClusterNode> {
  readonly masters: readonly Node[]
  readonly slots: readonly ({ readonly master: Node } | undefined)[]
  sendCommand(key: string | undefined, isReadonly: boolean, args: string[], options?: CommandOptions): Promise<unknown>
  nodeClient(node: Node): Promise<RedisConnection>
}

/** Servers under Sentinel, as `createSentinel` of node-redis makes it. */
export interface RedisSentinel {
  readonly isReady: boolean
  getMasterNode(): RedisAddress | undefined
  sendCommand(isReadonly: boolean, args: string[], options?: CommandOptions): Promise<unknown>
}

// biome-ignore lint/suspicious/noExplicitAny: a driver's node type is its own; only what `RedisClusterNode` names is used.
export type RedisClient = RedisConnection | RedisCluster<any> | RedisSentinel

/** Opens a connection to one server, not connected yet. Needed for Sentinel clients, which cannot be duplicated. */
export type RedisConnect = (address: RedisAddress, overrides: object) => RedisConnection

/** A primary that connections of our own can be opened to. */
export interface Primary {
  /** Tells primaries apart; changes when another server takes over. */
  readonly name: string
  open(overrides: object): Promise<RedisConnection>
}

export type RedisMode = 'single' | 'cluster' | 'sentinel'

/** The same few operations on each kind of client. */
export interface Link {
  readonly mode: RedisMode
  /** Always to a primary: a replica may not know of a revocation yet. Throws, at once, when nothing can be sent. */
  send(key: string, args: string[]): Promise<unknown>
  /** Whether connections of our own can be opened. */
  readonly opensOwn: boolean
  /** Primaries as the client knows them now; none in the middle of a failover. */
  primaries(): readonly Primary[]
  /** Name of the primary that holds a slot. */
  primaryOf(slot: number): string | undefined
  /** Looks for connections that have fallen silent; cheap, and to be called now and then. */
  look(now: Instant): void
}

export function modeOf(client: RedisClient): RedisMode {
  if ('masters' in client) return 'cluster'
  return 'getMasterNode' in client ? 'sentinel' : 'single'
}

export interface LinkOptions {
  readonly maxInFlight: number
  readonly connect?: RedisConnect | undefined
}

export function linkOf(client: RedisClient, options: LinkOptions): Link {
  if ('masters' in client) return bounded(watched(clusterLink(client)), options)
  return bounded(watched('getMasterNode' in client ? sentinelLink(client, options.connect) : singleLink(client)), options)
}

function watched(link: UnwatchedLink): Link {
  const silence = new Silence()
  const tagOf = (key: string): string => key.slice(key.indexOf('{') + 1, key.indexOf('}'))
  const nameOf = (key: string): string => (link.mode === 'cluster' ? link.primaryOf(slotOf(tagOf(key))) : undefined) ?? ''
  return {
    ...link,
    send: (key, args) => silence.watch(nameOf(key), () => link.send(key, args)),
    look: (now) => silence.look(now),
  }
}

/** No queue without end: what comes on top of `maxInFlight` is a fault at once. */
function bounded(link: Link, { maxInFlight }: LinkOptions): Link {
  let inFlight = 0
  const release = (): void => {
    inFlight -= 1
  }
  const send = (key: string, args: string[]): Promise<unknown> => {
    if (inFlight >= maxInFlight) throw new Error(`more than ${maxInFlight} Redis commands wait for an answer`)
    const sent = link.send(key, args)
    inFlight += 1
    sent.then(release, release)
    return sent
  }
  return { ...link, send }
}

type UnwatchedLink = Omit<Link, 'look'>

/** Commands would wait in the driver until it is connected again, and then do what nobody waits for any more. */
function checkReady(client: { readonly isReady: boolean }): void {
  if (!client.isReady) throw new Error('not connected to Redis')
}

function singleLink(client: RedisConnection): UnwatchedLink {
  const duplicate = client.duplicate?.bind(client)
  const primary: Primary | undefined = duplicate && {
    name: 'primary',
    open: async (overrides) => duplicate(withSocket(client, overrides)),
  }
  return {
    mode: 'single',
    opensOwn: primary !== undefined,
    send(_key, args) {
      checkReady(client)
      return client.sendCommand(args, commandOptions)
    },
    primaries: () => (primary === undefined ? [] : [primary]),
    primaryOf: () => primary?.name,
  }
}

function clusterLink<Node extends RedisClusterNode>(client: RedisCluster<Node>): UnwatchedLink {
  const primaries = new WeakMap<Node, Primary>()
  const primaryFor = (node: Node): Primary => {
    const known = primaries.get(node)
    if (known !== undefined) return known
    const made: Primary = {
      name: node.address,
      async open(overrides) {
        const connection = await client.nodeClient(node)
        if (connection.duplicate === undefined) throw new TypeError('a cluster node cannot be duplicated')
        return connection.duplicate(withSocket(connection, overrides))
      },
    }
    primaries.set(node, made)
    return made
  }
  return {
    mode: 'cluster',
    opensOwn: true,
    send: (key, args) => client.sendCommand(key, false, args, commandOptions),
    primaries: () => client.masters.map(primaryFor),
    primaryOf: (slot) => client.slots[slot]?.master.address,
  }
}

function sentinelLink(client: RedisSentinel, connect: RedisConnect | undefined): UnwatchedLink {
  const nameOf = ({ host, port }: RedisAddress): string => `${host}:${port}`
  return {
    mode: 'sentinel',
    opensOwn: connect !== undefined,
    send(_key, args) {
      checkReady(client)
      return client.sendCommand(false, args, commandOptions)
    },
    primaries() {
      const address = client.getMasterNode()
      if (connect === undefined || address === undefined) return []
      return [{ name: nameOf(address), open: async (overrides) => connect(address, overrides) }]
    },
    primaryOf() {
      const address = client.getMasterNode()
      return address && nameOf(address)
    },
  }
}

const slowest = 500

/** Our own connections come back quickly: until then nothing that this node remembers may be trusted. */
const reconnectStrategy = (retries: number): number => Math.min(25 * 2 ** Math.min(retries, 8), slowest)

function withSocket(connection: RedisConnection, overrides: object): object {
  return { ...overrides, socket: { ...connection.options?.socket, reconnectStrategy } }
}
