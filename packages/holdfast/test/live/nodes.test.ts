/**
 * A revocation on one node, felt by what is open on another: two processes and a store on a server between them.
 * Nothing here says how soon; the bound is measured by the benchmark, and held here by the time a test may take.
 */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../../test/services/postgres.ts'
import { type RedisServer, startRedis } from '../../../../test/services/redis.ts'
import { startTcpProxy, type TcpProxy } from '../../../../test/services/tcp-proxy.ts'
import { createHoldfast, type Holdfast, type Session } from '../../src/index.ts'
import { until } from '../store/redis/nodes.ts'
import { type NodeProcess, startNode } from './node-processes.ts'
import { type OpenedStore, openStore, type Place, secret } from './node-program.ts'
import { type Client, connect, type Headers, isOpen } from './sockets.ts'
import { type Reader, read } from './streams.ts'

const servers: Record<'postgres' | 'redis', () => Promise<{ readonly place: Place; readonly stop: () => Promise<void> }>> = {
  async postgres() {
    const server: PostgresServer = await startPostgres()
    return { place: { kind: 'postgres', connection: server.connection, schema: 'live' }, stop: () => server.close() }
  },
  async redis() {
    const server: RedisServer = await startRedis()
    return { place: { kind: 'redis', url: server.url }, stop: () => server.stop() }
  },
}

const numbersIn = (text: string) => [...text.matchAll(/^data: (\d+) /gm)].map(([, number]) => Number(number))

describe.each(Object.entries(servers))('on %s', (_, startServer) => {
  let place: Place
  let stopServer: () => Promise<void>
  let opened: OpenedStore
  /** This process: the node where sessions are issued and revoked. */
  let here: Holdfast
  /** The other one, where connections are open. */
  let there: NodeProcess

  beforeAll(async () => {
    const started = await startServer()
    place = started.place
    stopServer = started.stop
    opened = await openStore(place)
    here = createHoldfast({ secret, store: opened.store, sessionsPerSubject: 'unlimited' })
    there = await startNode(place)
  })
  afterAll(async () => {
    await there.kill()
    await here.close()
    await opened.close()
    await stopServer()
  })

  async function signedIn(): Promise<{ session: Session; headers: Headers }> {
    const { session, token } = await here.issue({ subject: 'alice' })
    return { session, headers: { authorization: `Bearer ${token}` } }
  }
  async function openStream(port: number, headers: Headers): Promise<Reader> {
    const reader = await read(`http://127.0.0.1:${port}/`, headers)
    onTestFinished(() => reader.close())
    return reader
  }
  async function openSocket(port: number, headers: Headers): Promise<Client> {
    const client = await connect(`http://127.0.0.1:${port}`, headers)
    if (!isOpen(client)) throw new Error(`refused with ${client.status}`)
    onTestFinished(() => client.socket.terminate())
    return client
  }
  async function proxied(): Promise<TcpProxy> {
    const proxy = await startTcpProxy({ port: there.port })
    onTestFinished(() => proxy.stop())
    return proxy
  }

  it('ends every stream and socket of the session, says why, and no other session’s', async () => {
    const { session, headers } = await signedIn()
    const other = await signedIn()
    const stream = await openStream(there.port, headers)
    const socket = await openSocket(there.port, headers)
    const bystander = await openStream(there.port, other.headers)
    await Promise.all([stream.until('data: '), socket.received(3), bystander.until('data: ')])
    await here.revoke({ session: session.id }, { reason: 'admin' })
    await stream.over
    expect(stream.text().endsWith('event: session_ended\ndata: {"reason":"admin"}\n\n')).toBe(true)
    expect(await socket.closed).toEqual([4401, 'admin'])
    const { sent } = await there.look()
    await until('the other goes on', () => numbersIn(bystander.text()).some((number) => number > sent))
    expect((await read(`${there.url}/`, headers)).status).toBe(401)
  })

  it('sends nothing more over a connection whose other end is cut off and does not know', async () => {
    const { session, headers } = await signedIn()
    const proxy = await proxied()
    const stream = await openStream(proxy.port, headers)
    const socket = await openSocket(proxy.port, headers)
    await Promise.all([stream.until('data: '), socket.received(3)])
    const before = (await there.look()).count
    // From here on nothing gets through, in either direction, and nobody is told.
    proxy.hold()
    await here.revoke({ session: session.id })
    await until('both are gone', async () => (await there.look()).count === before - 2)
    const { sent } = await there.look()
    await until('both are cut', () => proxy.count === 0)
    proxy.release()
    await Promise.all([stream.over, socket.closed])
    const numbers = [...numbersIn(stream.text()), ...socket.messages.map((text) => Number.parseInt(text, 10))]
    expect(Math.max(...numbers)).toBeLessThanOrEqual(sent)
  })

  it('delivers nothing that waited for readers who did not read', async () => {
    const { session, headers } = await signedIn()
    const stream = await openStream(there.port, headers)
    const socket = await openSocket(there.port, headers)
    await Promise.all([stream.until('data: '), socket.received(3)])
    stream.response.pause()
    socket.socket.pause()
    there.send({ do: 'fatten', bytes: 65_536 })
    await there.next('fattened')
    // More than the buffers between the two processes take: the rest waits in the other one.
    const start = (await there.look()).sent
    await until('much waits', async () => (await there.look()).sent > start + 400)
    there.send({ do: 'fatten', bytes: 0 })
    await there.next('fattened')
    const before = (await there.look()).count
    await here.revoke({ session: session.id })
    await until('both are gone', async () => (await there.look()).count === before - 2)
    const { sent } = await there.look()
    stream.response.resume()
    socket.socket.resume()
    await Promise.all([stream.over, socket.closed])
    expect(stream.text()).not.toContain('session_ended')
    expect(Math.max(...numbersIn(stream.text()))).toBeLessThan(sent - 4)
    expect(Number.parseInt(socket.messages.at(-1) ?? '', 10)).toBeLessThan(sent - 4)
    expect((await socket.closed)[0]).toBe(1006)
  })

  it('is whole for what was revoked when the revoking process is killed in the middle, and only for that', async () => {
    const revoker = await startNode(place)
    const sessions = await Promise.all(Array.from({ length: 12 }, signedIn))
    const streams = new Map<string, Reader>()
    for (const { session, headers } of sessions) streams.set(session.id, await openStream(there.port, headers))
    await Promise.all([...streams.values()].map((stream) => stream.until('data: ')))
    const ids = [...streams.keys()]
    const acknowledged = revoker.next('revoked')
    revoker.send({ do: 'revoke', sessions: ids.slice(0, 2) })
    await acknowledged
    const underWay = revoker.next('revoking')
    revoker.send({ do: 'revoke', sessions: ids.slice(2, 8) })
    await underWay
    await revoker.kill()
    // What had reached the store by then is revoked, by whomever it was heard; nothing else is.
    const records = await Promise.all(ids.map(async (id) => ({ id, isRevoked: (await here.get(id))?.revokedAt !== null })))
    expect(records.slice(0, 2).map(({ isRevoked }) => isRevoked)).toEqual([true, true])
    expect(records.slice(8).filter(({ isRevoked }) => isRevoked)).toEqual([])
    await Promise.all(records.filter(({ isRevoked }) => isRevoked).map(({ id }) => streams.get(id)?.over))
    const { sent } = await there.look()
    const goOn = (text: string) => numbersIn(text).some((number) => number > sent)
    for (const { id } of records.filter(({ isRevoked }) => !isRevoked)) {
      await until('it goes on', () => goOn(streams.get(id)?.text() ?? ''))
    }
  })

  it('spends a ticket once among 64 callers on two nodes', async () => {
    const second = await openStore(place)
    const other = createHoldfast({ secret, store: second.store })
    onTestFinished(async () => {
      await other.close()
      await second.close()
    })
    for (let round = 0; round < 5; round += 1) {
      const { session } = await signedIn()
      const { ticket } = await here.issueTicket(session)
      const callers = Array.from({ length: 64 }, (_, caller) => (caller % 2 === 0 ? here : other).redeemTicket(ticket))
      const verdicts = await Promise.all(callers)
      expect(verdicts.filter(({ status }) => status === 'live')).toHaveLength(1)
      expect(verdicts.filter(({ status }) => status === 'dead')).toHaveLength(63)
    }
  })

  it('ends the visitors beyond the bound on each node, the oldest first, and no user', async () => {
    const user = await signedIn()
    const bounded = createHoldfast({ secret, store: opened.store, anonymousMost: 4 })
    onTestFinished(() => bounded.close())
    const readers = new Map<string, Reader>()
    for (let count = 0; count < 7; count += 1) {
      const { session, token } = await here.issueAnonymous()
      readers.set(session.id, await openStream(there.port, { 'x-anon-session-token': token }))
    }
    const newestFirst = (await here.list({ subject: null })).items
    const visitors = newestFirst.flatMap(({ id }) => readers.get(id) ?? []).reverse()
    const stream = await openStream(there.port, user.headers)
    await Promise.all([...visitors, stream].map((reader) => reader.until('data: ')))
    await bounded.sweep()
    await Promise.all(visitors.slice(0, 3).map((reader) => reader.over))
    expect(visitors[0]?.text()).toContain('event: session_ended\ndata: {"reason":"evicted"}')
    const { sent } = await there.look()
    for (const reader of [...visitors.slice(3), stream]) {
      await until('it goes on', () => numbersIn(reader.text()).some((number) => number > sent))
    }
  })

  it('lets nobody go on elsewhere whose node was killed while the session was revoked', async () => {
    const { session, headers } = await signedIn()
    const doomed = await startNode(place)
    const stream = await openStream(doomed.port, headers)
    const socket = await openSocket(doomed.port, headers)
    await Promise.all([stream.until('data: '), socket.received(3)])
    await Promise.all([doomed.kill(), here.revoke({ session: session.id })])
    await Promise.all([stream.over, socket.closed])
    expect((await read(`${there.url}/`, headers)).status).toBe(401)
    const again = await connect(there.url, headers)
    expect(isOpen(again) ? 'open' : again.code).toBe('session-revoked')
  })
})
