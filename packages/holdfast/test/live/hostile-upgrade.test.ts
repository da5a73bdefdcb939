/** Opening handshakes that no honest client sends, byte by byte: each is refused, holds no place, and ends nothing else. */
import { createConnection } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type SocketWorld, socketWorld, until } from './sockets.ts'

const handshake = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
]

describe('a hostile opening handshake', () => {
  let at: SocketWorld
  let host: string
  let cookie: string
  let bearer: string

  beforeEach(async () => {
    at = await socketWorld()
    host = new URL(at.app.url).host
    const signedIn = await at.signedIn()
    cookie = `Cookie: ${signedIn.cookie.cookie}`
    bearer = `Authorization: ${signedIn.bearer.authorization}`
  })
  afterEach(() => at.stop())

  const dial = () => createConnection(Number(new URL(at.app.url).port), '127.0.0.1').on('error', () => undefined)

  /** The status line of the answer; empty when the connection was closed without one. */
  function answerTo(lines: readonly string[], after = ''): Promise<string> {
    return new Promise((resolve) => {
      const socket = dial()
      let text = ''
      socket.on('data', (chunk) => {
        text += String(chunk)
        if (text.includes('\r\n\r\n')) socket.destroy()
      })
      socket.on('close', () => resolve(text.split('\r\n', 1)[0] ?? ''))
      socket.write(`${lines.join('\r\n')}\r\n\r\n${after}`)
    })
  }

  async function expectUntouched(): Promise<void> {
    await until(() => at.world.holdfast.http.live.count === 0)
    expect(at.world.holdfast.stats().connections).toBe(0)
    await at.open({ authorization: bearer.slice('Authorization: '.length) })
    expect(at.app.opened).toHaveLength(1)
  }

  it('opens by its bytes alone where nothing is wrong with it', async () => {
    const lines = ['GET / HTTP/1.1', `Host: ${host}`, `Origin: http://${host}`, cookie, ...handshake]
    expect(await answerTo(lines)).toBe('HTTP/1.1 101 Switching Protocols')
  })

  it('is refused with an Origin that is only like ours or a listed one, and with two', async () => {
    const port = host.split(':')[1]
    const own = `http://${host}`
    const origins = [
      [`${own}/`],
      [`HTTP://${host}`],
      ['http://127.0.0.1'],
      [`http://127.0.0.1.:${port}`],
      [`http://2130706433:${port}`],
      [`http://localhost:${port}`],
      [`http://app@${host}`],
      [`https://${host}`],
      [`ws://${host}`],
      ['null'],
      [''],
      ['file://'],
      [`${own}, https://evil.example`],
      [own, 'https://evil.example'],
      ['https://evil.example', own],
      ['https://partner.example:443'],
      ['https://PARTNER.example'],
      ['https://partner.example.evil.example'],
    ]
    for (const values of origins) {
      const lines = values.map((value) => `Origin: ${value}`)
      expect(await answerTo(['GET / HTTP/1.1', `Host: ${host}`, cookie, ...lines, ...handshake]), values.join(' ')).toBe(
        'HTTP/1.1 403 Forbidden',
      )
    }
    await expectUntouched()
  })

  it('is refused with a Host that is none, whatever its Origin says', async () => {
    const hosts = [[], ['Host:'], [`Host: app@${host}`], [`Host: ${host}/x`], ['Host: a b']]
    for (const lines of hosts) {
      const status = await answerTo(['GET / HTTP/1.1', ...lines, `Origin: http://${host}`, cookie, ...handshake])
      expect(status, lines.join(' ')).toMatch(/^HTTP\/1\.1 40[03] /)
    }
    // HTTP/1.0 needs no Host; then no Origin is our own.
    expect(await answerTo(['GET / HTTP/1.0', `Origin: http://${host}`, cookie, ...handshake])).toMatch(/ 40[03] /)
    await expectUntouched()
  })

  it.each([
    ['another method', 'POST', handshake, 405],
    ['no key', 'GET', handshake.slice(0, 3), 400],
    ['a key of the wrong length', 'GET', [...handshake.slice(0, 3), 'Sec-WebSocket-Key: AAAA'], 400],
    ['an old version', 'GET', [...handshake.filter((line) => !line.includes('Version')), 'Sec-WebSocket-Version: 7'], 400],
    ['protocols that are no names', 'GET', [...handshake, 'Sec-WebSocket-Protocol: chat,,a b'], 400],
  ] as const)('with %s is refused, and its place is free again', async (_what, method, lines, status) => {
    const answer = await answerTo([`${method} / HTTP/1.1`, `Host: ${host}`, bearer, ...lines])
    expect(answer).toContain(`HTTP/1.1 ${status} `)
    await expectUntouched()
  })

  it('with a frame that claims four exabytes is closed, and so is one in a compression that was not agreed on', async () => {
    const frames = ['\x81\xff\x40\0\0\0\0\0\0\0', '\xc1\x80\0\0\0\0']
    for (const frame of frames) {
      const socket = dial()
      socket.write(`${['GET / HTTP/1.1', `Host: ${host}`, bearer, ...handshake].join('\r\n')}\r\n\r\n`)
      socket.write(Buffer.from(frame, 'latin1'))
      await new Promise((resolve) => socket.on('close', resolve).resume())
    }
    expect(at.app.opened.splice(0).flatMap(({ messages }) => messages)).toEqual([])
    await expectUntouched()
  })
})
