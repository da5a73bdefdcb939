import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { fakeClock } from 'holdfast/testing'
import { describe, it } from 'vitest'
import type { Client } from '../client.ts'
import { openEvents, type Received } from '../event-stream.ts'
import { goodPassword, type TestServer, testServer } from '../harness.ts'

/** Lets time pass until the promise settles: what is recorded is appended, and looked for, at intervals. */
async function passing<T>(clock: ReturnType<typeof fakeClock>, promise: Promise<T>): Promise<T> {
  let isSettled = false
  const settled = promise.finally(() => {
    isSettled = true
  })
  for (let turn = 0; !isSettled && turn < 2000; turn += 1) {
    clock.advance(100)
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.ok(isSettled, 'nothing came')
  return settled
}

/** Opens the stream over a socket that nobody reads; returns that and the server's end of it. */
async function openUnread({ server, root }: World): Promise<readonly [Socket, Socket]> {
  const { hostname, port } = new URL(server.address)
  const accepted = once(server.app.server, 'connection')
  const socket = connect(Number(port), hostname)
  const cookie = [...root.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  socket.write(
    `GET /admin/events HTTP/1.1\r\nhost: ${hostname}:${port}\r\naccept: text/event-stream\r\ncookie: ${cookie}\r\n\r\n`,
  )
  const [peer] = await accepted
  return [socket, peer]
}

interface World {
  readonly server: TestServer
  readonly clock: ReturnType<typeof fakeClock>
  readonly root: Client
  /** Makes an event with this object. */
  tell(object: string): void
  objects(next: () => Promise<Received | undefined>, count: number): Promise<(string | null)[]>
  [Symbol.asyncDispose](): Promise<void>
}

async function world(overrides = {}): Promise<World> {
  const clock = fakeClock()
  const server = await testServer({ overrides: { clock, ...overrides } })
  const root = await server.administrator()
  await server.services.events.flush()
  return {
    server,
    clock,
    root,
    tell: (object) => server.services.securityLog({ kind: 'authz_fail', object }),
    async objects(next, count) {
      const found: (string | null)[] = []
      while (found.length < count) found.push((await passing(clock, next()))?.data.object)
      return found
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

describe('the stream of security events', () => {
  it('gives what comes, in order, and goes on where its reader was', async () => {
    await using w = await world()
    const { root, tell } = w
    tell('before')
    await w.server.services.events.flush()
    const first = await openEvents(root, '/admin/events')
    tell('one')
    tell('two')
    const one = await passing(w.clock, first.next())
    assert.equal(one?.data.object, 'one')
    assert.deepEqual(Object.keys(one?.data), Object.keys((await root.get('/admin/events?limit=1')).json.items[0]))
    assert.deepEqual(await w.objects(first.next, 1), ['two'])
    first.close()
    tell('three')
    const again = await openEvents(root, '/admin/events', { 'last-event-id': one?.id ?? '' })
    assert.deepEqual(await w.objects(again.next, 2), ['two', 'three'])
    again.close()
    // A place that another session was told of, or nobody, says nothing: then it begins now.
    const other = w.server.client()
    await other.signIn('root', goodPassword)
    await w.server.services.events.flush()
    for (const id of [one?.id ?? '', '1', '1.AAAAAAAAAAAAAAAAAAAAAA']) {
      const fresh = await openEvents(other, '/admin/events', { 'last-event-id': id })
      tell(id)
      assert.deepEqual(await w.objects(fresh.next, 1), [id])
      fresh.close()
    }
  })

  it('can be of one kind or subject', async () => {
    await using w = await world()
    const reader = await openEvents(w.root, '/admin/events?kind=user_created')
    w.tell('other')
    w.server.services.securityLog({ kind: 'user_created', object: 'wanted' })
    assert.deepEqual(await w.objects(reader.next, 1), ['wanted'])
    reader.close()
  })

  it('refuses whoever may not read, and a place given otherwise', async () => {
    await using w = await world()
    const { client } = await w.server.user('alice')
    assert.equal((await openEvents(client, '/admin/events')).status, 403)
    assert.equal((await openEvents(w.server.client(), '/admin/events')).status, 401)
    assert.equal((await openEvents(w.root, '/admin/events?cursor=3&limit=2')).status, 400)
    assert.equal((await openEvents(w.root, '/admin/events', { 'sec-fetch-site': 'cross-site' })).status, 403)
  })

  it('keeps a reader that takes nothing within bounds, cuts it off, and holds up nobody else', async () => {
    await using w = await world()
    const { holdfast, events } = w.server.services
    const [socket, peer] = await openUnread(w)
    socket.on('error', () => undefined)
    const reader = await openEvents(w.root, '/admin/events')
    // More than is between the two ends of a connection, so that some of it waits here.
    const count = 6000
    for (let told = 0; told < count; told += 1) w.tell('x'.repeat(2000))
    await events.flush()
    let read = 0
    const reading = (async () => {
      for (; read < count; read += 1) assert.ok(await reader.next(), `ended after ${read}`)
    })()
    let most = 0
    for (let turn = 0; turn < 5000 && !(peer.destroyed && read === count); turn += 1) {
      most = Math.max(most, peer.writableLength)
      w.clock.advance(100)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await reading
    assert.ok(most > 0 && most <= 262_144, `${most} bytes waited`)
    assert.deepEqual([peer.destroyed, holdfast.stats().connections], [true, 1])
    w.tell('after')
    assert.deepEqual(await w.objects(reader.next, 1), ['after'])
    reader.close()
    socket.destroy()
  })

  it('ends with the session', async () => {
    await using w = await world()
    const reader = await openEvents(w.root, '/admin/events')
    await w.root.post('/auth/logout')
    const last: (Received | undefined)[] = []
    for (let event = await passing(w.clock, reader.next()); event !== undefined; event = await passing(w.clock, reader.next())) {
      last.push(event)
    }
    assert.deepEqual(last.at(-1)?.data, { reason: 'logout' })
  })

  it('ends when the role is gone, also when the session could not be ended', async () => {
    await using w = await world()
    const { services } = w.server
    await w.root.post('/admin/users', { username: 'second', password: goodPassword, role: 'admin' })
    const second = w.server.client()
    await second.signIn('second', goodPassword)
    const { id } = (await second.get('/auth/user')).json.user
    await services.events.flush()
    const reader = await openEvents(second, '/admin/events')
    await services.accounts.change(id, { role: 'user' })
    w.tell('secret')
    assert.equal(await passing(w.clock, reader.next()), undefined)
  })

  it('does not hold up a stop', async () => {
    await using w = await world({ drainLimitMs: 3_600_000 })
    const reader = await openEvents(w.root, '/admin/events')
    await w.server.stop()
    assert.equal(await reader.next(), undefined)
  })
})
