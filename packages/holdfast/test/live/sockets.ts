/** A real `ws` server behind the guard, and `ws` clients that tell what they were answered. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ServerOptions, WebSocket, WebSocketServer } from 'ws'
import { guardSockets, holdfastNode, type SocketSession } from '../../src/adapters/node.ts'
import type { Holdfast, HoldfastOptions, Session, SessionRequirement } from '../../src/index.ts'
import { createWorld, type World } from '../http/app.ts'

export interface OpenedSocket {
  readonly socket: WebSocket
  readonly held: SocketSession
  readonly request: IncomingMessage
  /** What the app was delivered. */
  readonly messages: string[]
}

export interface SocketApp {
  readonly url: string
  readonly opened: OpenedSocket[]
  close(): Promise<void>
}

/** Answers each message with `echo: ` before it. */
export async function socketApp(
  holdfast: Holdfast,
  requirement?: SessionRequirement,
  options?: ServerOptions,
): Promise<SocketApp> {
  const opened: OpenedSocket[] = []
  const protect = holdfastNode(holdfast)
  const server = createServer((request, response) => protect(request, response, () => response.writeHead(404).end()))
  const sockets = new WebSocketServer({ noServer: true, ...options })
  const guard = guardSockets(
    holdfast,
    sockets,
    (socket: WebSocket, held, request) => {
      const messages: string[] = []
      opened.push({ socket, held, request, messages })
      socket.on('message', (data) => {
        messages.push(String(data))
        socket.send(`echo: ${String(data)}`)
      })
    },
    requirement,
  )
  server.on('upgrade', guard)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    opened,
    close: () =>
      new Promise((resolve) => {
        for (const { socket } of opened) socket.terminate()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export interface Refused {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly code: string
}

export interface Client {
  readonly socket: WebSocket
  readonly messages: string[]
  /** Resolves when this many messages came. */
  received(count: number): Promise<void>
  /** Close code and reason. */
  readonly closed: Promise<readonly [number, string]>
}

export type Headers = Readonly<Record<string, string>>

function clientOf(socket: WebSocket): Client {
  const messages: string[] = []
  const waiting = new Set<() => void>()
  socket.on('message', (data) => {
    messages.push(String(data))
    for (const look of waiting) look()
  })
  const closed = new Promise<readonly [number, string]>((resolve) => {
    socket.on('close', (code, reason) => resolve([code, String(reason)]))
  })
  const received = (count: number) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (messages.length >= count) resolve()
      }
      waiting.add(look)
      look()
      void closed.then(([code]) => reject(new Error(`closed with ${code} after ${messages.length} messages`)))
    })
  return { socket, messages, received, closed }
}

/** Resolves to the open connection or to what the server answered instead. */
export function connect(url: string, headers: Headers = {}, protocols: readonly string[] = []): Promise<Client | Refused> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url.replace('http', 'ws'), [...protocols], { headers })
    const client = clientOf(socket)
    socket.on('open', () => resolve(client))
    socket.on('error', reject)
    socket.on('unexpected-response', (_request, response) => {
      let body = ''
      response.on('data', (chunk) => {
        body += String(chunk)
      })
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, code: JSON.parse(body).code })
      })
    })
  })
}

export const isOpen = (answer: Client | Refused): answer is Client => 'socket' in answer

async function mustOpen(url: string, headers?: Headers, protocols?: readonly string[]): Promise<Client> {
  const answer = await connect(url, headers, protocols)
  if (!isOpen(answer)) throw new Error(`refused with ${answer.status} ${answer.code}`)
  return answer
}

export async function mustRefuse(url: string, headers?: Headers, protocols?: readonly string[]): Promise<Refused> {
  const answer = await connect(url, headers, protocols)
  if (isOpen(answer)) throw new Error('the connection was opened')
  return answer
}

const mostTurns = 20_000

/** Turns until it holds. Throws when it still does not after more of them than loopback takes. */
export async function until(holds: () => boolean): Promise<void> {
  for (let turns = 0; turns < mostTurns; turns += 1) {
    if (holds()) return
    await turn()
  }
  throw new Error(`waited in vain until ${holds}`)
}

export const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** A Holdfast with a socket app, and everything that was opened on it. */
export interface SocketWorld {
  readonly world: World
  readonly app: SocketApp
  readonly clients: Client[]
  signedIn(subject?: string): Promise<{ readonly session: Session; readonly bearer: Headers; readonly cookie: Headers }>
  open(headers?: Headers, protocols?: readonly string[]): Promise<Client>
  /** Status and code of the refusal. */
  refused(headers?: Headers, protocols?: readonly string[]): Promise<readonly [number, string]>
  /** The protocols that open a connection with a new ticket. */
  ticketFor(session: Session): Promise<readonly string[]>
  stop(): Promise<void>
}

export async function socketWorld(
  options: Partial<HoldfastOptions> = {},
  requirement?: SessionRequirement,
  server?: ServerOptions,
): Promise<SocketWorld> {
  const world = createWorld({ anonymousPerMinute: 1000, ...options })
  const app = await socketApp(world.holdfast, requirement, server)
  const clients: Client[] = []
  return {
    world,
    app,
    clients,
    async signedIn(subject = 'alice') {
      const { session, token } = await world.holdfast.issue({ subject })
      return { session, bearer: { authorization: `Bearer ${token}` }, cookie: { cookie: `session=${token}` } }
    },
    async open(headers, protocols) {
      const client = await mustOpen(app.url, headers, protocols)
      clients.push(client)
      return client
    },
    async refused(headers, protocols) {
      const { status, code } = await mustRefuse(app.url, headers, protocols)
      return [status, code]
    },
    async ticketFor(session) {
      const { ticket } = await world.holdfast.issueTicket(session)
      return ['chat', `holdfast.ticket.${ticket}`]
    },
    async stop() {
      for (const { socket } of clients) socket.terminate()
      await app.close()
      world.failStore(false)
      await world.holdfast.close()
    },
  }
}
