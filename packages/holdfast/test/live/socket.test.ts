/** Open WebSockets of a real `ws` server and client over loopback. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ServerOptions } from 'ws'
import type { HoldfastOptions } from '../../src/index.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import { type OpenedSocket, type SocketWorld, socketWorld, turn, until } from './sockets.ts'

/** Without a feed nobody vouches for a session: the store is asked about every message. */
function unfed({ changes: _, ...rest }: Store): HoldfastOptions['store'] {
  return rest
}

describe('an open WebSocket', () => {
  let at: SocketWorld

  async function restart(options: Partial<HoldfastOptions>, server?: ServerOptions): Promise<void> {
    await at.stop()
    at = await socketWorld(options, undefined, server)
  }

  beforeEach(async () => {
    at = await socketWorld()
  })
  afterEach(() => at.stop())

  describe('closes with 4401', () => {
    it.each(['admin', 'logout', 'credential-change'] as const)('when its session is revoked: %s', async (reason) => {
      const { session, bearer } = await at.signedIn()
      const client = await at.open(bearer)
      await at.world.holdfast.revoke({ session: session.id }, { reason })
      expect(await client.closed).toEqual([4401, reason])
      expect([at.app.opened[0]?.held.ended, at.app.opened[0]?.held.signal.aborted]).toEqual([true, true])
      expect(at.world.holdfast.stats().connections).toBe(0)
    })

    it('when its user signs out', async () => {
      const { bearer } = await at.signedIn()
      const client = await at.open(bearer)
      expect((await fetch(`${at.app.url}/auth/logout`, { method: 'POST', headers: bearer })).status).toBe(204)
      expect(await client.closed).toEqual([4401, 'logout'])
    })

    it('when its session expires', async () => {
      const { bearer } = await at.signedIn()
      const client = await at.open(bearer)
      // At once, as after a stall: no round of the registry runs in between.
      at.world.clock.jumpTo(at.world.clock.now() + 31 * 60_000)
      at.world.clock.advance(100)
      expect(await client.closed).toEqual([4401, 'expired'])
    })
  })

  it('closes with 1001 when its secret is replaced: the owner connects again with the new one', async () => {
    const { session, bearer } = await at.signedIn()
    const copied = await at.open(bearer)
    const { token = '' } = (await at.world.holdfast.regenerate(session.id)) ?? {}
    expect(await copied.closed).toEqual([1001, ''])
    expect(await at.refused(bearer)).toEqual([401, 'session-revoked'])
    await at.open({ authorization: `Bearer ${token}` })
  })

  it('delivers nothing and sends nothing after the end, and cuts off a client that does not go', async () => {
    const { session, bearer } = await at.signedIn()
    const client = await at.open(bearer)
    client.socket.send('one')
    await client.received(1)
    const [opened] = at.app.opened
    // The client does not read, so it does not answer the close frame either, and goes on sending.
    client.socket.pause()
    await at.world.holdfast.revoke({ session: session.id })
    opened?.socket.send('after the end')
    const sent = new Promise((resolve) => opened?.socket.send('after the end', resolve))
    expect(await sent).toBeInstanceOf(Error)
    const told = new Promise((resolve) => opened?.socket.on('close', resolve))
    client.socket.send('two')
    for (let turns = 0; turns < 50; turns += 1) await turn()
    expect(opened?.messages).toEqual(['one'])
    at.world.clock.advance(500)
    await told
    client.socket.resume()
    await client.closed
    expect(client.messages).toEqual(['echo: one'])
  })

  it('sends nothing that the app says when it is told of the end', async () => {
    const { session, bearer } = await at.signedIn()
    const client = await at.open(bearer)
    const { socket, held } = at.app.opened[0] as OpenedSocket
    // The connection is still open to `ws` at this moment.
    held.signal.addEventListener('abort', () => socket.send('one last secret'))
    await at.world.holdfast.revoke({ session: session.id })
    expect(await client.closed).toEqual([4401, 'admin'])
    expect(client.messages).toEqual([])
  })

  it('leaves an app that paused it in peace, also while the store is asked for each message', async () => {
    await restart({ store: unfed(memoryStore()) })
    const { bearer } = await at.signedIn()
    const client = await at.open(bearer)
    const { socket, messages } = at.app.opened[0] as OpenedSocket
    socket.once('message', () => socket.pause())
    client.socket.send('one')
    await client.received(1)
    for (let turns = 0; turns < 20; turns += 1) await turn()
    client.socket.send('two')
    for (let turns = 0; turns < 20; turns += 1) await turn()
    expect([socket.isPaused, messages]).toEqual([true, ['one']])
    socket.resume()
    await client.received(2)
    expect(messages).toEqual(['one', 'two'])
  })

  it('sends nothing that is still being compressed when the session ends', async () => {
    await restart({}, { perMessageDeflate: { threshold: 0 } })
    const { session, bearer } = await at.signedIn()
    const client = await at.open(bearer)
    client.socket.send('one')
    await client.received(1)
    const { socket } = at.app.opened[0] as OpenedSocket
    for (let sent = 0; sent < 20; sent += 1) socket.send(`secret ${sent} `.repeat(1000))
    await at.world.holdfast.revoke({ session: session.id })
    expect((await client.closed)[0]).toBe(1006)
    expect(client.messages.length).toBeLessThan(20)
  })

  it('handles no message of an expired session, although nobody has noticed yet', async () => {
    const { bearer } = await at.signedIn()
    const client = await at.open(bearer)
    client.socket.send('one')
    await client.received(1)
    at.world.clock.jumpTo(at.world.clock.now() + 31 * 60_000)
    client.socket.send('two')
    expect(await client.closed).toEqual([4401, 'expired'])
    expect(at.app.opened[0]?.messages).toEqual(['one'])
  })

  it('handles no message while nobody can tell: the client is to come again', async () => {
    const { bearer } = await at.signedIn()
    const client = await at.open(bearer)
    client.socket.send('one')
    await client.received(1)
    at.world.failStore(true)
    at.world.clock.jumpTo(at.world.clock.now() + 2000)
    client.socket.send('two')
    client.socket.send('three')
    expect(await client.closed).toEqual([1013, ''])
    expect(at.app.opened[0]?.messages).toEqual(['one'])
  })

  it('keeps the order of what came while the store was asked, and tells of the end after it', async () => {
    const { bearer } = await at.signedIn()
    const client = await at.open(bearer)
    const sent = Array.from({ length: 200 }, (_, at) => String(at))
    const told = new Promise<number>((resolve) => {
      at.app.opened[0]?.socket.on('close', () => resolve(at.app.opened[0]?.messages.length ?? 0))
    })
    for (const text of sent) client.socket.send(text)
    client.socket.close()
    expect(await told).toBe(200)
    expect(at.app.opened[0]?.messages).toEqual(sent)
  })

  it('counts messages as activity, and silence as none', async () => {
    const { bearer } = await at.signedIn()
    const client = await at.open(bearer)
    for (let count = 1; count <= 3; count += 1) {
      at.world.clock.jumpTo(at.world.clock.now() + 20 * 60_000)
      client.socket.send('still here')
      await client.received(count)
    }
    at.world.clock.jumpTo(at.world.clock.now() + 31 * 60_000)
    at.world.clock.advance(100)
    expect(await client.closed).toEqual([4401, 'expired'])
  })

  it('is made to connect again after its time and at close()', async () => {
    await restart({ connections: { heartbeat: '2s', maxAge: '1m' } })
    const { bearer } = await at.signedIn()
    const aged = await at.open(bearer)
    const pinged = new Promise((resolve) => aged.socket.on('ping', resolve))
    at.world.clock.advance(2000)
    await pinged
    at.world.clock.jumpTo(at.world.clock.now() + 60_000)
    at.world.clock.advance(2000)
    expect(await aged.closed).toEqual([1001, ''])
    const last = await at.open(bearer)
    await at.world.holdfast.close()
    expect(await last.closed).toEqual([1001, ''])
  })

  it('cuts off a client that is gone without a word, and one that lets too much wait', async () => {
    await restart({ connections: { heartbeat: '1s', maxBuffered: 65_536 } })
    const { bearer } = await at.signedIn()
    const silent = await at.open(bearer)
    silent.socket.pause()
    at.world.clock.advance(4000)
    await until(() => at.world.holdfast.stats().connections === 0)
    const slow = await at.open(bearer)
    slow.socket.pause()
    for (let sent = 0; sent < 5000 && at.app.opened[1]?.held.ended === false; sent += 1) {
      at.app.opened[1]?.socket.send('x'.repeat(4000))
      await turn()
    }
    expect(at.world.holdfast.stats().connections).toBe(0)
  })

  it('outlives a frame that breaks the protocol', async () => {
    const { bearer } = await at.signedIn()
    const client = await at.open(bearer)
    ;(client.socket as unknown as { _socket: { write(bytes: Uint8Array): void } })._socket.write(Buffer.from([0xff, 0xff]))
    expect((await client.closed)[0]).toBe(1002)
    await at.open(bearer)
  })
})
