/** Opening WebSockets: for one session, from our own pages, within the caps. For `ws` and whatever takes upgrades as it does. */
import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { invalidField } from '../engine/errors.ts'
import type { Session } from '../engine/session.ts'
import { ticketProtocol } from '../shared/live.ts'
import type { Attributes } from '../store/store.ts'
import { coreOf, type HttpCore } from './core.ts'
import { Exchange } from './exchange.ts'
import { checkRequirement, parseRequirement, type Requirement, type SessionRequirement } from './guard.ts'
import { NodeCarrier, sendAnswer } from './node.ts'
import { type Answer, answerFor, problemAnswer } from './problem.ts'
import { GuardedSocket, type SocketSession, type WebSocketLike } from './socket.ts'

/** What answers the handshake: a `WebSocketServer` of `ws` with `noServer`, or anything of its shape. */
export interface UpgradeServer<S extends WebSocketLike> {
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, done: (socket: S) => void): void
}

/** Told of each connection that was let in; its messages are delivered by the socket's own events. */
export type SocketConnected<S extends WebSocketLike, A extends Attributes> = (
  socket: S,
  held: SocketSession<A>,
  request: IncomingMessage,
) => void

/** A listener of the `upgrade` event of a Node server. */
export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

interface Guard<S extends WebSocketLike> {
  readonly core: HttpCore
  readonly server: UpgradeServer<S>
  readonly connected: SocketConnected<S, Attributes>
  readonly requirement: Requirement
}

const protocolHeader = 'sec-websocket-protocol'

interface Offered {
  readonly tickets: readonly string[]
  /** The app's own protocols. */
  readonly others: readonly string[]
}

/** The protocols that the client offers, less its ticket: neither the app nor its log is shown that. */
function takeOffered({ headers, rawHeaders }: IncomingMessage): Offered {
  const names = (headers[protocolHeader] ?? '').split(',').flatMap((name) => name.trim() || [])
  const tickets = names.filter((name) => name.startsWith(ticketProtocol)).map((name) => name.slice(ticketProtocol.length))
  const others = names.filter((name) => !name.startsWith(ticketProtocol))
  if (tickets.length === 0) return { tickets, others }
  for (let at = rawHeaders.length - 2; at >= 0; at -= 2) {
    if (rawHeaders[at]?.toLowerCase() === protocolHeader) rawHeaders.splice(at, 2)
  }
  delete headers[protocolHeader]
  if (others.length > 0) {
    headers[protocolHeader] = others.join(', ')
    rawHeaders.push('Sec-WebSocket-Protocol', others.join(', '))
  }
  return { tickets, others }
}

/** The one ticket; `undefined` when the client sends none. */
function ticketOf({ tickets, others }: Offered): string | undefined {
  if (tickets.length > 1) throw invalidField(protocolHeader, 'must not offer more than one ticket')
  // A browser breaks the connection off when none of its protocols is chosen, and a ticket must not be said back.
  if (tickets.length === 1 && others.length === 0) throw invalidField(protocolHeader, 'must offer a protocol beside the ticket')
  return tickets[0]
}

/** Finds out whose connection it would be. An answer means that nobody's. */
async function refusalOf(exchange: Exchange, offered: Offered, requirement: Requirement): Promise<Answer | undefined> {
  const { core, carrier, credential, context } = exchange
  exchange.requireTransport()
  // The browser sends its cookies whoever's page opens a socket, and no other rule of it stands in between (CWE-1385).
  const detail = exchange.sourceProblem()
  if (detail !== undefined) return problemAnswer('csrf-failed', { detail })
  const ticket = ticketOf(offered)
  // Asked first: a ticket must not be spent on a connection for which there is no room.
  core.live.checkRoom(context.ip)
  if (ticket !== undefined) await exchange.redeem(ticket)
  else if (credential.source === 'cookie' && carrier.headers.origin === undefined) {
    return problemAnswer('csrf-failed', { detail: 'a cookie without an Origin opens no socket; send a Bearer token or a ticket' })
  } else await exchange.check()
  return checkRequirement(exchange, requirement)
}

/** Whose connection it is, with its place taken; or the answer to the client. */
async function admit(
  exchange: Exchange,
  offered: Offered,
  requirement: Requirement,
): Promise<{ readonly session: Session; readonly source: string } | Answer> {
  try {
    const refused = await refusalOf(exchange, offered, requirement)
    if (refused !== undefined) return refused
    const { session, core, context } = exchange
    return session === null ? problemAnswer('session-required') : { session, source: core.live.admit(session.id, context.ip) }
  } catch (error) {
    const answer = answerFor(error)
    if (answer === undefined) throw error
    return answer
  }
}

function refuse(socket: Socket, response: ServerResponse, answer: Answer): void {
  response.shouldKeepAlive = false
  response.assignSocket(socket)
  response.on('finish', () => socket.destroySoon())
  sendAnswer(response, answer)
}

async function open<S extends WebSocketLike>(
  { core, server, connected, requirement }: Guard<S>,
  request: IncomingMessage,
  raw: Socket,
  head: Buffer,
): Promise<void> {
  const offered = takeOffered(request)
  const response = new ServerResponse(request)
  const admitted = await admit(new Exchange(core, new NodeCarrier(request, response)), offered, requirement)
  if ('status' in admitted) {
    refuse(raw, response, admitted)
    return
  }
  const { session, source } = admitted
  let isOpen = false
  // Gone before it was open, or refused by the server: its place is free again.
  const release = () => {
    if (!isOpen) core.live.release(session.id, source)
  }
  if (raw.destroyed) {
    release()
    return
  }
  raw.once('close', release)
  server.handleUpgrade(request, raw, head, (socket) => {
    isOpen = true
    const held = new GuardedSocket(core, { session, source, raw, socket })
    held.begin()
    // A closed engine ends a connection as it is made.
    if (!held.ended) connected(socket, held, request)
  })
}

/**
 * Lets only WebSockets through whose session meets the requirement, and closes them when it ends: 4401 on expiry,
 * revocation and sign-out, after which the app is delivered nothing and the client sent nothing.
 *
 * The credential is a ticket (`holdfast.ticket.` and the ticket as one of the protocols, beside the app's own), a Bearer
 * token, or the session cookie, which counts only with an Origin that is our own or listed. Refused as routes refuse:
 * 400, 401, 403, 429, 503, with a problem document. Throws `ConfigurationError` on wrong options,
 * and `TypeError` for what is no server or no function.
 *
 * @example
 * const sockets = new WebSocketServer({ noServer: true })
 * server.on('upgrade', guardSockets(holdfast, sockets, (socket, { session }) => {
 *   socket.on('message', (data) => socket.send(`${session.subject}: ${data}`))
 * }))
 */
export function guardSockets<S extends WebSocketLike, A extends Attributes>(
  holdfast: { readonly http: HttpCore<A> },
  server: UpgradeServer<S>,
  connected: SocketConnected<S, A>,
  requirement?: SessionRequirement,
): UpgradeListener {
  if (typeof server?.handleUpgrade !== 'function')
    throw new TypeError('the server must be a WebSocketServer of ws, with noServer')
  if (typeof connected !== 'function') throw new TypeError('connected must be a function')
  // The guard reads no attributes by name; the app reads them through the type that it named.
  const guard = {
    core: coreOf(holdfast) as unknown as HttpCore,
    server,
    connected: connected as unknown as SocketConnected<S, Attributes>,
    requirement: parseRequirement(requirement),
  }
  return (request, socket, head) => {
    // Node's own listener is gone at an upgrade; a reset while the session is looked up would end the process.
    socket.on('error', () => socket.destroy())
    open(guard, request, socket as Socket, head).catch((fault: unknown) => {
      socket.destroy()
      throw fault
    })
  }
}
