/** The program of one node: streams and sockets that talk without pause, on a store that other nodes share. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'
import { WebSocketServer } from 'ws'
import { guardSockets, type HeldRequest, holdfastNode, startStream } from '../../src/adapters/node.ts'
import { createHoldfast, type HoldfastOptions } from '../../src/index.ts'
import { postgresStore } from '../../src/store/postgres.ts'
import { redisStore } from '../../src/store/redis.ts'
import { connectSingle } from '../store/redis/clients.ts'

/** Where the store is: what `pg` connects with and a schema, or the address of a Redis server. */
export type Place =
  | { readonly kind: 'postgres'; readonly connection: pg.PoolConfig; readonly schema: string }
  | { readonly kind: 'redis'; readonly url: string }

export type Order =
  | { readonly do: 'revoke'; readonly sessions: readonly string[] }
  | { readonly do: 'count' }
  /** From now on each of these bytes is sent beside the number of an event. */
  | { readonly do: 'fatten'; readonly bytes: number }

export type Report =
  | { readonly port: number }
  | { readonly revoking: true }
  | { readonly revoked: true }
  | { readonly count: number; readonly sent: number }
  | { readonly fattened: true }

/** How often each connection is sent something, in ms. */
const pulse = 2

export interface OpenedStore {
  readonly store: HoldfastOptions['store']
  close(): Promise<void>
}

export async function openStore(place: Place): Promise<OpenedStore> {
  if (place.kind === 'redis') {
    const { client, close } = await connectSingle(place.url)
    const store = redisStore(client)
    return { store, close: async () => store[Symbol.asyncDispose]().then(close) }
  }
  const pool = new pg.Pool({ ...place.connection, max: 4 })
  const store = postgresStore(pool, { schema: place.schema })
  await store.migrate()
  return { store, close: async () => store[Symbol.asyncDispose]?.().then(() => pool.end()) }
}

export const secret = 'k3Jq9vTz1mXw8RbY5nLd2HsG7pCf4Ua0'

function tell(report: Report): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(report, undefined, undefined, () => resolve())
  })
}

async function serve(place: Place): Promise<void> {
  const { store } = await openStore(place)
  const holdfast = createHoldfast({ secret, store, connections: { maxBuffered: 67_108_864 } })
  const protect = holdfastNode(holdfast)
  let sent = 0
  let padding = ''
  const speak = (send: (text: string) => void, signal: AbortSignal) => {
    const timer = setInterval(() => {
      sent += 1
      send(`${sent} ${padding}`)
    }, pulse)
    signal.addEventListener('abort', () => clearInterval(timer))
  }
  const server = createServer((request, response) =>
    protect(request, response, () => {
      if ((request as HeldRequest).holdfast.session === null) response.writeHead(401).end()
      else void startStream(request, response).then((stream) => speak((data) => stream.send({ data }), stream.signal))
    }),
  )
  const sockets = new WebSocketServer({ noServer: true })
  server.on(
    'upgrade',
    guardSockets(holdfast, sockets, (socket, { signal }) => speak((text) => socket.send(text), signal)),
  )
  process.on('message', async (order: Order) => {
    if (order.do === 'count') await tell({ count: holdfast.stats().connections, sent })
    else if (order.do === 'fatten') {
      padding = 'x'.repeat(order.bytes)
      await tell({ fattened: true })
    } else {
      await tell({ revoking: true })
      await Promise.all(order.sessions.map((session) => holdfast.revoke({ session }, { reason: 'admin' })))
      await tell({ revoked: true })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  await tell({ port: (server.address() as AddressInfo).port })
}

if (process.send !== undefined && process.argv[2] !== undefined) await serve(JSON.parse(process.argv[2]) as Place)
