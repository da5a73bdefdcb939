/** Clients of node-redis, set up as the Redis store asks. */
import type { RedisClient, RedisConnect } from 'holdfast/store/redis'
import { createClient, createCluster, createSentinel } from 'redis'
import type { RedisBackend } from '../config/backend.ts'
import { tlsOptions } from './tls.ts'

/** For a connection to stand, in ms. */
const connectTimeout = 2000
/** A connection that brings nothing for so long, pings included, is lost. In ms. */
const socketTimeout = 5000
const pingInterval = 1000

function socketOf({ tls }: RedisBackend) {
  const common = {
    connectTimeout,
    socketTimeout,
    keepAlive: true,
    keepAliveInitialDelay: 5000,
    reconnectStrategy: (retries: number) => Math.min(50 * 2 ** Math.min(retries, 8), 1000),
  }
  return tls === undefined ? common : { ...common, ...tlsOptions(tls), tls: true as const }
}

/** What holds for each connection to a server that keeps sessions. */
function connectionOf(backend: RedisBackend) {
  const { username, password, database } = backend
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(database === 0 ? {} : { database }),
    // Commands would wait in the driver for a server that is away, and be done when nobody waits for them any more.
    disableOfflineQueue: true,
    pingInterval,
    maintNotifications: 'disabled' as const,
    socket: socketOf(backend),
  }
}

const commandOptions = { timeout: 0 } as const

export interface OpenedClient {
  readonly client: RedisClient
  /** Opens further connections, where the client cannot. */
  readonly connect?: RedisConnect
  destroy(): void
}

const makers: { readonly [T in RedisBackend['topology']]: (backend: RedisBackend) => OpenedClient } = {
  single(backend) {
    const connection = connectionOf(backend)
    const client = createClient({ ...connection, commandOptions, socket: { ...connection.socket, ...backend.hosts[0] } })
    return { client, destroy: () => client.destroy() }
  },
  cluster(backend) {
    const defaults = connectionOf(backend)
    const client = createCluster({
      rootNodes: backend.hosts.map((address) => ({ socket: { ...defaults.socket, ...address } })),
      defaults,
      commandOptions,
      // The driver waits for five seconds otherwise, and a failover is over in one or two.
      topologyRefreshOnReconnectionAttemptStrategy: 100,
    })
    return { client, destroy: () => client.destroy() }
  },
  sentinel(backend) {
    const { name = '', hosts, sentinel } = backend
    const nodeClientOptions = connectionOf(backend)
    const { username, password } = sentinel
    const client = createSentinel({
      name,
      sentinelRootNodes: [...hosts],
      nodeClientOptions,
      sentinelClientOptions: {
        ...(username === undefined ? {} : { username }),
        ...(password === undefined ? {} : { password }),
        socket: nodeClientOptions.socket,
      },
      commandOptions,
      scanInterval: 1000,
      masterPoolSize: 1,
    })
    const connect: RedisConnect = (address, overrides) =>
      createClient({ ...nodeClientOptions, ...overrides, socket: { ...nodeClientOptions.socket, ...address } })
    return { client, connect, destroy: () => client.destroy() }
  },
}

/** Not connected yet. Throws what reading the certificates throws. */
export function createRedisClient(backend: RedisBackend): OpenedClient {
  return makers[backend.topology](backend)
}
