/** A TCP proxy that a test can make slow, deaf or broken. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface TcpProxy {
  readonly port: number
  /**
   * Breaks connections, with what is held on them; new ones are taken again at once. With `saying` only those whose
   * client has sent that among its first few kilobytes.
   */
  cut(saying?: RegExp): void
  /** Refuses new connections, and breaks those there are, until `open`. */
  shut(): void
  open(): void
  /** Leads new connections to another port, as an address that moves to another server does. */
  aim(port: number): void
  /** Changes what the server says, piece by piece; the length must stay. Latin-1. */
  rewrite(change: (text: string) => string): void
  /** Delays each piece of data by `ms`, in both directions. */
  delay(ms: number): void
  /** Keeps connections open and passes nothing on, as a lost route does; what arrives meanwhile is passed on later. */
  hold(saying?: RegExp): void
  release(): void
  /**
   * Leaves connections open and passes nothing on, for ever and without a word to either end, as a firewall does that has
   * forgotten them, or a host that lost its power. New ones are taken. `saying` as for `cut`.
   */
  lose(saying?: RegExp): void
  /** Connections that are open now. */
  readonly count: number
  stop(): Promise<void>
}

interface Direction {
  readonly to: Socket
  /** Read and not yet written. */
  readonly waiting: Buffer[]
}

interface Pair {
  readonly client: Socket
  readonly upstream: Socket
  readonly directions: readonly [Direction, Direction]
  /** How the client began. */
  said: string
  isLost: boolean
}

const mostSaid = 8192
const anything = /^/

export async function startTcpProxy(target: { readonly host?: string; readonly port: number }): Promise<TcpProxy> {
  const { host = '127.0.0.1' } = target
  let { port } = target
  const pairs = new Set<Pair>()
  let isShut = false
  let wait = 0
  let holding: RegExp | undefined
  let rewritten = (text: string): string => text

  const isHeld = ({ said }: Pair): boolean => holding?.test(said) === true

  function flush({ waiting, to }: Direction): void {
    for (const chunk of waiting.splice(0)) if (!to.destroyed) to.write(chunk)
  }

  /** What was sent first arrives first, whatever the delay is meanwhile. */
  function pass(pair: Pair, direction: Direction, chunk: Buffer): void {
    const { waiting, to } = direction
    if (to === pair.upstream && pair.said.length < mostSaid) pair.said += chunk.toString('latin1')
    waiting.push(to === pair.client ? Buffer.from(rewritten(chunk.toString('latin1')), 'latin1') : chunk)
    if (isHeld(pair)) return
    if (wait === 0) flush(direction)
    else
      setTimeout(() => {
        const next = isHeld(pair) ? undefined : waiting.shift()
        if (next !== undefined && !to.destroyed) to.write(next)
      }, wait)
  }

  const server = createServer((client) => {
    if (isShut) {
      client.destroy()
      return
    }
    const upstream = connect(port, host)
    const there: Direction = { to: upstream, waiting: [] }
    const back: Direction = { to: client, waiting: [] }
    const pair: Pair = { client, upstream, directions: [there, back], said: '', isLost: false }
    pairs.add(pair)
    for (const [from, direction] of [[client, there] as const, [upstream, back] as const]) {
      from.setNoDelay(true)
      from.on('error', () => {})
      from.on('close', () => {
        if (!pair.isLost) direction.to.destroy()
        if (direction.to.destroyed) pairs.delete(pair)
      })
      from.on('data', (chunk: Buffer) => {
        if (!pair.isLost) pass(pair, direction, chunk)
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  function cut(saying: RegExp = anything): void {
    for (const { client, upstream, said } of pairs) {
      if (!saying.test(said)) continue
      client.destroy()
      upstream.destroy()
    }
  }
  function release(): void {
    holding = undefined
    for (const { directions } of pairs) directions.forEach(flush)
  }
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    shut() {
      isShut = true
      cut()
    },
    open() {
      isShut = false
    },
    aim(next) {
      port = next
    },
    rewrite(change) {
      rewritten = change
    },
    delay(ms) {
      wait = ms
    },
    hold(saying = anything) {
      holding = saying
    },
    release,
    lose(saying = anything) {
      for (const pair of pairs) if (saying.test(pair.said)) pair.isLost = true
    },
    get count() {
      return pairs.size
    },
    async stop() {
      isShut = true
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
