/** Event streams over real HTTP, the same table on every adapter. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EventStream, HoldfastOptions } from '../../src/index.ts'
import { createWorld, type World } from '../http/app.ts'
import { apps, type Reader, type Running, read } from './streams.ts'

const tick = () => new Promise<void>((resolve) => setImmediate(resolve))

describe.each(Object.entries(apps))('a stream on %s', (name, serve) => {
  let world: World
  let running: Running
  let streams: EventStream[]
  const readers: Reader[] = []

  async function start(options: Partial<HoldfastOptions> = {}): Promise<void> {
    world = createWorld({ anonymousPerMinute: 1000, ...options })
    streams = []
    running = await serve({ holdfast: world.holdfast, streams })
  }
  async function stop(): Promise<void> {
    for (const reader of readers.splice(0)) reader.close()
    await running.close()
    world.failStore(false)
    await world.holdfast.close()
  }
  async function restart(options: Partial<HoldfastOptions>): Promise<void> {
    await stop()
    await start(options)
  }
  const open = async (path: string, headers: Record<string, string> = {}, method?: string) => {
    const reader = await read(running.url + path, headers, method)
    readers.push(reader)
    return reader
  }
  const signedIn = async (subject = 'alice') => {
    const { session, token } = await world.holdfast.issue({ subject })
    return { session, headers: { authorization: `Bearer ${token}` } }
  }
  const problem = async (reader: Reader) => {
    await reader.over
    return [reader.status, (JSON.parse(reader.text()) as { code: string }).code]
  }

  beforeEach(() => start())
  afterEach(stop)

  it('carries events as they are sent, with the headers that keep caches and proxies out', async () => {
    const { headers } = await signedIn()
    const reader = await open('/stream', headers)
    expect(reader.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': expect.stringContaining('no-store'),
      'x-accel-buffering': 'no',
    })
    expect(streams[0]?.send({ event: 'word', data: { text: 'hello' } })).toBe(true)
    await reader.until('event: word\ndata: {"text":"hello"}\n\n')
    streams[0]?.end()
    await reader.over
    expect(reader.text()).not.toContain('session_ended')
    expect(streams[0]?.send({ data: 'late' })).toBe(false)
  })

  it('gives a visitor a session whose token is the first event and the response header, and resumes it', async () => {
    const first = await open('/visit')
    await first.until('event: session_token')
    const token = String(first.headers['x-anon-session-token'])
    expect(first.text()).toContain(`"token":"${token}","resumed":false`)
    const again = await open('/visit', { 'x-anon-session-token': token })
    await again.until('event: session_token')
    expect(again.text()).toContain('"resumed":true')
    expect(streams[1]?.session.id).toBe(streams[0]?.session.id)
  })

  it('puts the token of a visitor with cookies in the cookie alone', async () => {
    const reader = await open('/visit-cookie')
    await reader.until('retry:')
    const [cookie = ''] = (reader.headers['set-cookie'] ?? []).filter((line) => line.startsWith('session='))
    expect(cookie).toContain('HttpOnly')
    expect(reader.headers['x-anon-session-token']).toBeUndefined()
    expect(reader.text()).not.toContain('hfa1_')
  })

  it('refuses a wrong visitor’s token without a word of its session, and starts none', async () => {
    const first = await open('/visit')
    const token = String(first.headers['x-anon-session-token'])
    const forged = `${token.slice(0, -4)}AAAA`
    for (const path of ['/visit', '/stream']) {
      expect(await problem(await open(path, { 'x-anon-session-token': forged }))).toEqual([403, 'anonymous-token-invalid'])
    }
    await world.holdfast.revoke({ session: streams[0]?.session.id ?? '' })
    expect(await problem(await open('/visit', { 'x-anon-session-token': token }))).toEqual([403, 'anonymous-token-invalid'])
    expect((await world.holdfast.list({ subject: null })).items).toEqual([])
  })

  it('refuses without a session, by why there is none, and never swaps a user for a visitor', async () => {
    expect(await problem(await open('/stream'))).toEqual([401, 'session-required'])
    const { session, headers } = await signedIn()
    await world.holdfast.revoke({ session: session.id })
    expect(await problem(await open('/visit', headers))).toEqual([401, 'session-revoked'])
    world.failStore(true)
    const { headers: other } = { headers: { authorization: headers.authorization } }
    const down = await open('/visit', other)
    expect([await problem(down), down.headers['retry-after']]).toEqual([[503, 'store-unavailable'], '1'])
  })

  it('is opened by no other site’s page', async () => {
    const { headers } = await signedIn()
    for (const forged of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }, { origin: 'null' }]) {
      for (const path of ['/stream', '/visit']) {
        expect(await problem(await open(path, { ...headers, ...forged }))).toEqual([403, 'csrf-failed'])
      }
    }
    expect(streams).toEqual([])
  })

  it('is told why its session ended, and nothing after that', async () => {
    const { session, headers } = await signedIn()
    const reader = await open('/stream', headers)
    await reader.until('retry:')
    await world.holdfast.revoke({ session: session.id }, { reason: 'admin' })
    expect(streams[0]?.send({ data: 'after the end' })).toBe(false)
    await reader.over
    expect(reader.text().endsWith('event: session_ended\ndata: {"reason":"admin"}\n\n')).toBe(true)
    expect([streams[0]?.ended, streams[0]?.signal.aborted, world.holdfast.stats().connections]).toEqual([true, true, 0])
  })

  it('ends when its session expires', async () => {
    const { headers } = await signedIn()
    const reader = await open('/stream', headers)
    await reader.until('retry:')
    // At once, as after a stall: no round of the registry runs in between.
    world.clock.jumpTo(world.clock.now() + 31 * 60_000)
    world.clock.advance(100)
    await reader.over
    expect(reader.text()).toContain('data: {"reason":"expired"}')
  })

  it('goes on from the last event of this session, and knows no other session’s', async () => {
    const { headers } = await signedIn()
    const reader = await open('/stream', headers)
    streams[0]?.send({ data: 'one', id: '1' })
    await reader.until('data: one')
    const id = /^id: (.*)$/m.exec(reader.text())?.[1] ?? ''
    await open('/stream', { ...headers, 'last-event-id': id })
    expect(streams[1]?.lastEventId).toBe('1')
    const bob = await signedIn('bob')
    await open('/stream', { ...bob.headers, 'last-event-id': id })
    await open('/stream', { ...headers, 'last-event-id': '1' })
    await open('/stream', { ...headers, 'last-event-id': `2${id.slice(1)}` })
    expect(streams.slice(2).map(({ lastEventId }) => lastEventId)).toEqual([null, null, null])
  })

  it('lets no text begin a field or an event of its own', async () => {
    const { headers } = await signedIn()
    const reader = await open('/stream', headers)
    const [stream] = streams
    stream?.send({ data: 'a\nevent: session_ended\r\ndata: b\rid: 9\n\nretry: 1' })
    await reader.until('data: retry: 1\n\n')
    expect(reader.text()).toContain('data: a\ndata: event: session_ended\ndata: data: b\ndata: id: 9\ndata: \ndata: retry: 1\n\n')
    for (const event of ['a\nb', 'a\rb', 'a\0b', '', 'session_ended', 'session_token', 'x'.repeat(65)]) {
      expect(() => stream?.send({ event, data: '' }), event).toThrow(/^event /)
    }
    for (const id of ['a\nb', 'a\0b', '', 'x'.repeat(129), 'ü']) expect(() => stream?.send({ id, data: '' }), id).toThrow(/^id /)
  })

  it('is written to now and then, and made to connect again after its time', async () => {
    await restart({ connections: { heartbeat: '2s', maxAge: '1m' }, limits: { signedIn: { idle: '2h', absolute: '3h' } } })
    const { headers } = await signedIn()
    const reader = await open('/stream', headers)
    await reader.until('retry:')
    world.clock.advance(2000)
    await reader.until(':\n\n')
    world.clock.advance(60_000)
    await reader.over
    expect(reader.text()).not.toContain('session_ended')
  })

  it('is refused past the caps, of a session, a source and the process, and starts no session then', async () => {
    await restart({ connections: { perSession: 2, perSource: 3, total: 4 } })
    const alice = await signedIn()
    const first = await open('/stream', alice.headers)
    await open('/stream', alice.headers)
    expect(await problem(await open('/stream', alice.headers))).toEqual([429, 'rate-limited'])
    await open('/visit')
    const refused = await open('/visit')
    expect([await problem(refused), refused.headers['retry-after']]).toEqual([[429, 'rate-limited'], '5'])
    expect((await world.holdfast.list({ subject: null })).items).toHaveLength(1)
    await open('/visit', { 'x-forwarded-for': '198.51.100.7', 'x-forwarded-proto': 'https' })
    const full = await open('/visit', { 'x-forwarded-for': '198.51.100.8', 'x-forwarded-proto': 'https' })
    expect(await problem(full)).toEqual([429, 'rate-limited'])
    first.close()
    await first.over
    for (let turn = 0; turn < 100 && world.holdfast.stats().connections > 3; turn += 1) await tick()
    expect((await open('/stream', alice.headers)).status).toBe(200)
  })

  it('cuts off a reader that lets too much wait', async () => {
    await restart({ connections: { maxBuffered: 65_536 } })
    const { headers } = await signedIn()
    const reader = await open('/stream', headers)
    reader.response.pause()
    const [stream] = streams
    for (let sent = 0; sent < 5000 && stream?.send({ data: 'x'.repeat(4000) }) === true; sent += 1) await tick()
    expect([stream?.ended, world.holdfast.stats().connections]).toEqual([true, 0])
  })

  it('cuts off a reader that takes nothing for as long as it may, and none that reads', async () => {
    await restart({ connections: { maxBuffered: 67_108_864, writeTimeout: '10s' } })
    const alice = await signedIn()
    const bob = await signedIn('bob')
    const stalled = await open('/stream', alice.headers)
    await open('/stream', bob.headers)
    stalled.response.pause()
    // More than what is between the two ends takes, so that some of it waits here.
    for (let sent = 0; sent < 400; sent += 1) for (const stream of streams) stream.send({ data: 'x'.repeat(65_536) })
    // What is under way gets somewhere meanwhile, and its time begins anew.
    for (let round = 0; round < 100 && world.holdfast.stats().connections > 1; round += 1) {
      for (let turn = 0; turn < 20; turn += 1) await tick()
      world.clock.advance(5000)
    }
    expect(streams.map(({ ended }) => ended)).toEqual([true, false])
  })

  // A fetch handler cannot reach the socket: what it has handed over is the server's.
  if (name !== 'web' && name !== 'hono over fetch') {
    it('delivers nothing to a stalled reader after its session ended', async () => {
      await restart({ connections: { maxBuffered: 8_388_608 } })
      const { session, headers } = await signedIn()
      const reader = await open('/stream', headers)
      reader.response.pause()
      const [stream] = streams
      let sent = 0
      for (; sent < 2000; sent += 1) {
        stream?.send({ data: `${sent} ${'x'.repeat(4000)}` })
        await tick()
      }
      await world.holdfast.revoke({ session: session.id })
      await tick()
      reader.response.resume()
      await reader.over
      expect(reader.text()).not.toContain(`data: ${sent - 1} `)
      expect(reader.text()).not.toContain('session_ended')
    })
  }

  it('ends at close(), and none can be opened after it', async () => {
    const { headers } = await signedIn()
    const reader = await open('/stream', headers)
    await reader.until('retry:')
    await world.holdfast.close()
    await reader.over
    expect(reader.text()).not.toContain('session_ended')
    const late = await open('/stream', headers)
    await late.over
    expect(streams.at(-1)?.ended).toBe(true)
  })

  it('is not opened by HEAD', async () => {
    const { headers } = await signedIn()
    const reader = await open('/stream', headers, 'HEAD')
    await reader.over
    expect([reader.status, streams.length]).toEqual([405, 0])
  })
})
