/** Clients that hang up before they are answered: each request is over all the same, once, logged and counted. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, it } from 'vitest'
import { openEvents } from '../event-stream.ts'
import { goodPassword, type TestServer, testServer } from '../harness.ts'

/** A hasher whose verifications wait until they are let go; `begun` says that one does. */
function heldHasher() {
  const [begun, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const passwords = {
    hash: async () => 'hash',
    verify: async () => {
      begun.resolve()
      await held.promise
      return true
    },
    isOutdated: () => false,
    load: () => ({ running: 0, waiting: 0, refused: 0 }),
  }
  return { passwords, begun: begun.promise, letGo: held.resolve }
}

/** Sends so much of a request; resolves to both ends of the connection once the server has seen it. */
async function send({ address, app }: TestServer, text: string): Promise<readonly [Socket, Socket]> {
  const { hostname, port } = new URL(address)
  const accepted = once(app.server, 'connection')
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  const [peer] = await accepted
  socket.write(text)
  await once(peer, 'data')
  return [socket, peer]
}

async function hangUp([socket, peer]: readonly [Socket, Socket]): Promise<void> {
  socket.resetAndDestroy()
  // Its error comes first, which a wait by `once` would throw.
  await new Promise<void>((resolve) => (peer.closed ? resolve() : peer.once('close', () => resolve())))
}

const requestTo = (path: string, body: string, length = body.length) =>
  [`POST ${path} HTTP/1.1`, 'host: 127.0.0.1', 'content-type: application/json', `content-length: ${length}`, '', body].join(
    '\r\n',
  )

const loggedFor = ({ log }: TestServer, path: string) =>
  log.lines().filter((line) => line.msg === 'Request' && line.path === path)

async function untilLogged(server: TestServer, path: string): Promise<Record<string, unknown>[]> {
  for (let turn = 0; turn < 20_000 && loggedFor(server, path).length === 0; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve))
  }
  return loggedFor(server, path)
}

describe('a client that hangs up', () => {
  it.each([
    ['in the middle of its body', requestTo('/auth/login', '{', 100)],
    ['before it is refused', requestTo('/auth/login', '{}')],
  ])('%s is logged, and no longer under way', async (_when, text) => {
    await using server = await testServer({ overrides: { drainLimitMs: 3_600_000 } })
    await hangUp(await send(server, text))
    assert.equal((await untilLogged(server, '/auth/login')).length, 1)
    await server.stop()
    assert.equal(loggedFor(server, '/auth/login').length, 1)
  })

  it('while its password is checked is waited for by a stop until that is done, logged and counted', async () => {
    const { passwords, begun, letGo } = heldHasher()
    await using server = await testServer({ overrides: { passwords, drainLimitMs: 3_600_000 } })
    const body = JSON.stringify({ username: 'nobody', password: goodPassword })
    const ends = await send(server, requestTo('/auth/login', body))
    await begun
    await hangUp(ends)
    let isStopped = false
    const stopped = server.stop().then(() => {
      isStopped = true
    })
    for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual([isStopped, loggedFor(server, '/auth/login')], [false, []])
    letGo()
    await stopped
    assert.deepEqual(
      loggedFor(server, '/auth/login').map(({ aborted }) => aborted),
      [true],
    )
  })

  it('from a stream is no longer under way', async () => {
    await using server = await testServer({ overrides: { drainLimitMs: 3_600_000 } })
    const root = await server.administrator()
    const reader = await openEvents(root, '/admin/events')
    reader.close()
    assert.equal((await untilLogged(server, '/admin/events')).length, 1)
    assert.match((await root.get('/metrics')).text, /^holdfast_http_requests_in_flight 1$/m)
    await server.stop()
  })
})
