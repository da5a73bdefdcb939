/** Part `live`: what open streams cost, how soon a subject's close, and what clients without cookies leave behind. */
import { connect, type Socket } from 'node:net'
import { createHoldfast } from 'holdfast'
import { redisStore } from 'holdfast/store/redis'
import { createClient } from 'redis'
import { type Child, startChild } from '../shared/child.ts'
import { startService } from '../stores/services.ts'

export interface LiveEffort {
  readonly streams: number
  readonly revocations: number
  readonly requests: number
}

export interface LiveResult {
  readonly effort: LiveEffort
  /** Of the whole process with every stream open, MiB. */
  readonly residentMiB: number
  /** Streams of the subject that is revoked. */
  readonly closing: number
  /** From the acknowledgement on the other node to the end of the last of them, each time, ms; in ascending order. */
  readonly closed: readonly number[]
  /** Growth of the resident set over the requests without cookies, MiB. */
  readonly growthMiB: number
  /** Sessions stored by then. */
  readonly stored: number
}

const secret = 'the same on both nodes: k3yJ8qZr2Wv5'
const mebibyte = 2 ** 20
const streamsPerSession = 20
const sessionsPerSubject = 5
/** Streams opened at the same time: more would wait in the kernel's queue anyway. */
const opening = 100

const start = (mode: string, place: unknown) =>
  startChild(new URL('./main.ts', import.meta.url), [mode, JSON.stringify(place), secret], { flags: ['--expose-gc'] })

/** Resolves with the first bytes of the answer. */
function openStream(port: number, token: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', reject)
    socket.once('data', (chunk) => {
      socket.off('error', reject).on('error', () => undefined)
      if (String(chunk).startsWith('HTTP/1.1 200')) resolve(socket)
      else reject(new Error(`no stream: ${String(chunk).slice(0, 200)}`))
    })
    socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  })
}

const closedAt = (socket: Socket) =>
  new Promise<number>((resolve) => {
    socket.on('end', () => resolve(performance.now()))
    socket.on('close', () => resolve(performance.now()))
  })

async function measureStreams({
  streams,
  revocations,
}: LiveEffort): Promise<Omit<LiveResult, 'effort' | 'growthMiB' | 'stored'>> {
  const service = await startService('redis')
  const child = start('streams', service.place)
  const sockets: Socket[] = []
  const client = await createClient({ url: service.place.url }).connect()
  client.on('error', () => undefined)
  const store = redisStore(client)
  const here = createHoldfast({ secret, store })
  try {
    const port = Number(await child.next())
    const open = async (subject: string, count: number): Promise<Socket[]> => {
      const opened: Socket[] = []
      const tokens: string[] = []
      for (let at = 0; at < Math.ceil(count / streamsPerSession); at += 1) tokens.push((await here.issue({ subject })).token)
      for (let at = 0; at < count; at += opening) {
        const wave = Array.from({ length: Math.min(opening, count - at) }, (_, next) =>
          Math.floor((at + next) / streamsPerSession),
        )
        opened.push(...(await Promise.all(wave.map((session) => openStream(port, tokens[session] ?? '')))))
      }
      sockets.push(...opened)
      return opened
    }
    const closing = Math.min(streamsPerSession * sessionsPerSubject, streams)
    for (let subject = 0; sockets.length < streams - closing; subject += 1) {
      await open(`user ${subject}`, Math.min(closing, streams - closing - sockets.length))
    }
    const closed: number[] = []
    for (let round = 0; round < revocations; round += 1) {
      const watched = await open('watched', closing)
      const ends = Promise.all(watched.map(closedAt))
      await here.revoke({ subject: 'watched' })
      const acknowledgedAt = performance.now()
      closed.push(Math.max(0, Math.max(...(await ends)) - acknowledgedAt))
    }
    // At the end: full collections throw compiled code away, and the next revocation would be the first again.
    await open('another', closing)
    const resident = Number(await child.ask('resident'))
    return { residentMiB: resident / mebibyte, closing, closed: closed.toSorted((a, b) => a - b) }
  } finally {
    for (const socket of sockets) socket.destroy()
    await here.close()
    await store[Symbol.asyncDispose]()
    client.destroy()
    await child.stop()
    await service.stop()
  }
}

/** Over connections that are kept, several requests at a time on each. */
async function ask(port: number, requests: number): Promise<void> {
  const [connections, pipelined] = [8, 64]
  const text = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`.repeat(pipelined)
  let left = Math.ceil(requests / pipelined)
  const run = () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1')
      let answered = 0
      const next = (): void => {
        left -= 1
        if (left >= 0) socket.write(text)
        else socket.end(resolve)
      }
      socket.on('error', reject)
      socket.on('connect', next)
      socket.on('data', (chunk) => {
        answered += String(chunk).split('HTTP/1.1 200').length - 1
        if (answered % pipelined === 0 && answered > 0) {
          answered = 0
          next()
        }
      })
    })
  await Promise.all(Array.from({ length: connections }, run))
}

async function measureFlood(requests: number): Promise<Pick<LiveResult, 'growthMiB' | 'stored'>> {
  const child: Child = start('flood', {})
  try {
    const port = Number(await child.next())
    // What the process takes when it has served at all is not growth.
    await ask(port, Math.ceil(requests / 50))
    const before = Number(await child.ask('resident'))
    await ask(port, requests)
    const growth = Number(await child.ask('resident')) - before
    return { growthMiB: growth / mebibyte, stored: Number(await child.ask('sessions')) }
  } finally {
    await child.stop()
  }
}

export async function measureLive(effort: LiveEffort): Promise<LiveResult> {
  return { effort, ...(await measureStreams(effort)), ...(await measureFlood(effort.requests)) }
}
