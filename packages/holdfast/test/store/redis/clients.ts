/** Redis clients as an app would make them. */
import { createClient, createCluster, createSentinel } from 'redis'
import type { RedisClient, RedisConnect } from '../../../src/store/redis.ts'

export interface Connected {
  readonly client: RedisClient
  close(): void
}

const reconnectStrategy = 50

/** How a connection that says nothing any more is noticed, in ms. */
export interface Watch {
  readonly pingInterval: number
  readonly socketTimeout: number
}

/** Connects to a server; faults of the connection show in the calls. */
export async function connectSingle(url: string, watch?: Watch): Promise<Connected> {
  const { pingInterval = 0, ...socket } = watch ?? {}
  const client = createClient({ url, pingInterval, socket: { ...socket, reconnectStrategy }, disableOfflineQueue: true })
  client.on('error', () => {})
  await client.connect()
  return { client, close: () => client.destroy() }
}

export async function connectCluster(rootNodes: readonly { readonly url: string }[], watch?: Watch): Promise<Connected> {
  const { pingInterval = 0, ...socket } = watch ?? {}
  const client = createCluster({
    rootNodes: [...rootNodes],
    defaults: { disableOfflineQueue: true, pingInterval, socket: { ...socket, reconnectStrategy } },
    topologyRefreshOnReconnectionAttemptStrategy: 100,
  })
  client.on('error', () => {})
  await client.connect()
  return { client, close: () => client.destroy() }
}

/** What a Sentinel client needs for connections of the store's own. */
export const connect: RedisConnect = (address, overrides) => {
  const client = createClient({ ...overrides, socket: { ...address, reconnectStrategy } })
  client.on('error', () => {})
  return client
}

export async function connectSentinel(
  name: string,
  sentinelRootNodes: readonly { readonly host: string; readonly port: number }[],
): Promise<Connected> {
  const client = createSentinel({
    name,
    sentinelRootNodes: [...sentinelRootNodes],
    nodeClientOptions: { disableOfflineQueue: true, socket: { reconnectStrategy } },
    scanInterval: 200,
    masterPoolSize: 1,
  })
  client.on('error', () => {})
  client.on('client-error', () => {})
  await client.connect()
  return { client, close: () => client.destroy() }
}
