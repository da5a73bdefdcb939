/** A TCP proxy that a test can make slow, deaf or broken. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface TcpProxy {
  readonly port: number
  /** Breaks every connection; new ones are taken again at once. */
  cut(): void
  /** Refuses new connections, and breaks those there are, until `open`. */
  shut(): void
  open(): void
  /** Leads new connections to another port, as an address that moves to another server does. */
  aim(port: number): void
  /** Delays each piece of data by `ms`, in both directions. */
  delay(ms: number): void
  /** Keeps connections open and passes nothing on, as a lost route does; what arrives meanwhile is passed on later. */
  hold(): void
  release(): void
  /** Connections that are open now. */
  readonly count: number
  stop(): Promise<void>
}

export async function startTcpProxy(target: { readonly host?: string; readonly port: number }): Promise<TcpProxy> {
  const { host = '127.0.0.1' } = target
  let { port } = target
  const pairs = new Set<readonly [Socket, Socket]>()
  let isShut = false
  let wait = 0
  let isHeld = false
  const held: (() => void)[] = []

  function pass(from: Socket, to: Socket): void {
    from.on('data', (chunk: Buffer) => {
      const write = (): void => {
        if (!to.destroyed) to.write(chunk)
      }
      if (isHeld) held.push(write)
      else if (wait === 0) write()
      else setTimeout(write, wait)
    })
  }

  const server = createServer((client) => {
    if (isShut) {
      client.destroy()
      return
    }
    const upstream = connect(port, host)
    const pair = [client, upstream] as const
    pairs.add(pair)
    for (const [one, other] of [pair, [upstream, client] as const]) {
      one.setNoDelay(true)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        other.destroy()
        pairs.delete(pair)
      })
      pass(one, other)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  function cut(): void {
    for (const pair of pairs) for (const socket of pair) socket.destroy()
  }
  function release(): void {
    isHeld = false
    for (const write of held.splice(0)) write()
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
    delay(ms) {
      wait = ms
    },
    hold() {
      isHeld = true
    },
    release,
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
