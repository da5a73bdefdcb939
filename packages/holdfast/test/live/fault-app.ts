/** An app with everything that opens or carries a connection, on a store that fails when told to, and what is left of it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { anonymousStream, guardSockets, type HeldRequest, holdfastNode, sendProblem } from '../../src/adapters/node.ts'
import type { Holdfast } from '../../src/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import type { FakeClock } from '../../src/testing/clock.ts'
import { type FaultyStore, faultyStore } from '../../src/testing/index.ts'
import { createWorld } from '../http/app.ts'

export interface FaultApp {
  readonly url: string
  readonly holdfast: Holdfast
  readonly clock: FakeClock
  /** The store without its faults, for a look at what it holds. */
  readonly raw: Store
  readonly store: FaultyStore
  stop(): Promise<void>
}

/** Over a store that is filled already: this node remembers nothing of it. */
export async function faultApp(raw: Store, clock: FakeClock): Promise<FaultApp> {
  const store = faultyStore(raw)
  const { holdfast } = createWorld({ store, clock })
  const protect = holdfastNode(holdfast)
  const signIn = async (request: IncomingMessage, response: ServerResponse) => {
    await (request as HeldRequest).holdfast.signIn({ subject: 'alice' })
    response.writeHead(204).end()
  }
  const server = createServer((request, response) =>
    protect(request, response, () => {
      const run: Promise<unknown> = request.url === '/login' ? signIn(request, response) : anonymousStream(request, response)
      run.catch((error: unknown) => sendProblem(error, response) || response.writeHead(500).end())
    }),
  )
  const sockets = new WebSocketServer({ noServer: true })
  server.on(
    'upgrade',
    guardSockets(holdfast, sockets, () => undefined, { anonymous: true }),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    holdfast,
    clock,
    raw,
    store,
    async stop() {
      for (const socket of sockets.clients) socket.terminate()
      store.heal()
      await holdfast.close()
      await new Promise((resolve) => {
        server.close(resolve)
        server.closeAllConnections()
      })
    },
  }
}

/** Sessions of visitors and of users, as another node has made them. */
export async function filledStore() {
  const raw = memoryStore()
  const { holdfast, clock } = createWorld({ store: raw })
  const visitor = await holdfast.issueAnonymous({ attributes: { cart: 1 } })
  const user = await holdfast.issue({ subject: 'bob' })
  await holdfast.close()
  return { raw, clock, visitor, user }
}

/** The status of the answer to an opening handshake; 101 when it is open. */
export function handshake(url: string, headers: Record<string, string>, protocols: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url.replace('http', 'ws'), protocols, { headers })
    socket.on('open', () => resolve(101))
    socket.on('unexpected-response', (_request, response) => {
      response.resume()
      expect(response.statusCode !== 503 || response.headers['retry-after'] !== undefined).toBe(true)
      resolve(response.statusCode ?? 0)
    })
    socket.on('error', reject)
  })
}
