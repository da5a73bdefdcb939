/** Opening WebSockets, by a real `ws` server and client over loopback. */
import { createConnection } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { HoldfastOptions, SessionRequirement } from '../../src/index.ts'
import { connect, type Headers, isOpen, mustRefuse, type SocketWorld, socketWorld, turn, until } from './sockets.ts'

describe('a WebSocket that is to be opened', () => {
  let at: SocketWorld

  async function restart(options: Partial<HoldfastOptions>, requirement?: SessionRequirement): Promise<void> {
    await at.stop()
    at = await socketWorld(options, requirement)
  }

  beforeEach(async () => {
    at = await socketWorld()
  })
  afterEach(() => at.stop())

  it('opens for a cookie with our own Origin or a listed one, as that session for good', async () => {
    const { session, cookie } = await at.signedIn()
    for (const origin of [at.app.url, 'https://partner.example']) {
      const client = await at.open({ ...cookie, origin })
      client.socket.send('hello')
      await client.received(1)
      expect(client.messages).toEqual(['echo: hello'])
    }
    expect(at.app.opened.map(({ held }) => held.session.id)).toEqual([session.id, session.id])
    expect(at.world.holdfast.stats().connections).toBe(2)
  })

  it('is opened by no other site’s page, whatever it presents', async () => {
    const { session, cookie, bearer } = await at.signedIn()
    const forged: Headers[] = ['https://evil.example', 'null', `${at.app.url}.evil.example`].map((origin) => ({ origin }))
    for (const more of [...forged, { 'sec-fetch-site': 'cross-site' }]) {
      for (const credential of [cookie, bearer])
        expect(await at.refused({ ...credential, ...more })).toEqual([403, 'csrf-failed'])
    }
    const protocols = await at.ticketFor(session)
    expect(await at.refused({ origin: 'https://evil.example' }, protocols)).toEqual([403, 'csrf-failed'])
    expect(at.app.opened).toEqual([])
    expect((await at.open({}, protocols)).socket.protocol).toBe('chat')
  })

  it('takes a cookie from no client that does not say whose page it runs', async () => {
    const { session, cookie, bearer } = await at.signedIn()
    expect(await at.refused(cookie)).toEqual([403, 'csrf-failed'])
    await at.open(bearer)
    await at.open({}, await at.ticketFor(session))
    expect(at.app.opened).toHaveLength(2)
  })

  it('refuses without a session, by why there is none', async () => {
    expect(await at.refused()).toEqual([401, 'session-required'])
    const { session, bearer } = await at.signedIn()
    expect(await at.refused({ authorization: `${bearer.authorization?.slice(0, -4)}AAAA` })).toEqual([401, 'session-required'])
    await at.world.holdfast.revoke({ session: session.id })
    const answer = await mustRefuse(at.app.url, bearer)
    expect(answer).toMatchObject({ status: 401, code: 'session-revoked' })
    expect(answer.headers).toMatchObject({
      'content-type': 'application/problem+json; charset=utf-8',
      'www-authenticate': 'Bearer error="invalid_token"',
      'cache-control': 'no-store',
      connection: 'close',
    })
  })

  it('lets visitors in only where the guard says so', async () => {
    const visitor = await at.world.holdfast.issueAnonymous()
    const headers = { 'x-anon-session-token': visitor.token }
    expect(await at.refused(headers)).toEqual([401, 'session-required'])
    await restart({}, { anonymous: true })
    const other = await at.world.holdfast.issueAnonymous()
    await at.open({ 'x-anon-session-token': other.token })
    expect(at.app.opened[0]?.held.session).toMatchObject({ id: other.session.id, anonymous: true })
    expect(await at.refused(headers)).toEqual([403, 'anonymous-token-invalid'])
  })

  it('is 503 while nobody can tell, and opens when somebody can', async () => {
    const { session, bearer } = await at.signedIn()
    const protocols = await at.ticketFor(session)
    at.world.failStore(true)
    for (const answer of [await mustRefuse(at.app.url, bearer), await mustRefuse(at.app.url, {}, protocols)]) {
      expect([answer.status, answer.code, answer.headers['retry-after']]).toEqual([503, 'store-unavailable', '1'])
    }
    at.world.failStore(false)
    at.world.clock.advance(5000)
    await at.open(bearer)
  })

  describe('opened with a ticket', () => {
    it('is one connection, of 64 that try it at once', async () => {
      const { session } = await at.signedIn()
      const protocols = await at.ticketFor(session)
      const answers = await Promise.all(Array.from({ length: 64 }, () => connect(at.app.url, {}, protocols)))
      at.clients.push(...answers.filter(isOpen))
      expect(at.clients).toHaveLength(1)
      expect(at.app.opened.map(({ held }) => held.session.id)).toEqual([session.id])
      // Until the budget of invalid tokens of this network is spent.
      const codes = new Set(answers.flatMap((answer) => (isOpen(answer) ? [] : [answer.code])))
      expect([...codes].every((code) => code === 'session-required' || code === 'rate-limited')).toBe(true)
    })

    it('shows it neither to the app nor to the client again', async () => {
      const { session } = await at.signedIn()
      const client = await at.open({}, (await at.ticketFor(session)).toReversed())
      const [first] = at.app.opened
      expect([client.socket.protocol, first?.socket.protocol]).toEqual(['chat', 'chat'])
      expect(JSON.stringify([first?.request.headers, first?.request.rawHeaders])).not.toContain('hft1_')
      expect(first?.request.headersDistinct['sec-websocket-protocol']).toEqual(['chat'])
    })

    it('comes with the route that hands it out', async () => {
      const { session, bearer } = await at.signedIn()
      const response = await fetch(`${at.app.url}/auth/ticket`, { method: 'POST', headers: bearer })
      const { ticket, expiresAt } = (await response.json()) as { ticket: string; expiresAt: string }
      expect([response.status, Date.parse(expiresAt)]).toEqual([201, at.world.clock.now() + 30_000])
      await at.open({ 'user-agent': 'node' }, ['chat', `holdfast.ticket.${ticket}`])
      expect(at.app.opened[0]?.held.session.id).toBe(session.id)
    })

    it('is refused after thirty seconds, alone, twice and forged; what is refused for its form is not spent', async () => {
      const { session } = await at.signedIn()
      const [chat = '', ticket = ''] = await at.ticketFor(session)
      expect(await at.refused({}, [ticket])).toEqual([400, 'invalid-request'])
      expect(await at.refused({}, [chat, ticket, `${ticket}A`])).toEqual([400, 'invalid-request'])
      expect(await at.refused({}, [chat, `${ticket.slice(0, -4)}AAAA`])).toEqual([401, 'session-required'])
      await at.open({}, [chat, ticket])
      expect(await at.refused({}, [chat, ticket])).toEqual([401, 'session-required'])
      const late = await at.ticketFor(session)
      at.world.clock.advance(30_000)
      expect(await at.refused({}, late)).toEqual([401, 'session-required'])
    })

    it('acts for its own session, whatever else the client presents', async () => {
      const alice = await at.signedIn()
      const bob = await at.signedIn('bob')
      await at.open({ ...bob.cookie, origin: at.app.url }, await at.ticketFor(alice.session))
      expect(at.app.opened[0]?.held.session.subject).toBe('alice')
    })
  })

  it('is refused past the caps, and its place is free again when it is gone', async () => {
    await restart({ connections: { perSession: 2, perSource: 3 } })
    const alice = await at.signedIn()
    const bob = await at.signedIn('bob')
    const first = await at.open(alice.bearer)
    await at.open(alice.bearer)
    const full = await mustRefuse(at.app.url, alice.bearer)
    expect([full.status, full.code, full.headers['retry-after']]).toEqual([429, 'rate-limited', '5'])
    await at.open(bob.bearer)
    const protocols = await at.ticketFor(bob.session)
    expect(await at.refused({}, protocols)).toEqual([429, 'rate-limited'])
    first.socket.close()
    await until(() => at.world.holdfast.stats().connections === 2)
    await at.open({}, protocols)
  })

  it('gives its place back when the server refuses the handshake', async () => {
    await restart({ connections: { perSession: 1 } })
    const { bearer } = await at.signedIn()
    const { port, host } = new URL(at.app.url)
    const socket = createConnection(Number(port), '127.0.0.1')
    const lines = [
      'GET / HTTP/1.1',
      `Host: ${host}`,
      `Authorization: ${bearer.authorization}`,
      'Connection: Upgrade',
      'Upgrade: x',
    ]
    socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    const answered = await new Promise((resolve) => socket.once('data', resolve))
    expect(String(answered)).toContain('400 Bad Request')
    await new Promise((resolve) => socket.on('close', resolve).resume())
    await turn()
    await at.open(bearer)
  })
})
