/** A connection of our own to each primary, made again when the primaries change. */
import { commandOptions, type Link, type Primary, type RedisConnection } from './redis-client.ts'

export interface OwnConnectionOptions {
  readonly link: Link
  /** Given to the driver for each connection. */
  readonly overrides: object
  /** Runs whenever a connection is there anew; it counts as ready only once this has succeeded. */
  readonly prepare: (connection: RedisConnection, name: string) => Promise<void>
  readonly onReady?: (name: string) => void
  readonly onLost?: () => void
  readonly onInvalidate?: (key: string | null) => void
}

interface Own {
  readonly primary: Primary
  connection: RedisConnection | undefined
  /** Counts preparations, so that one for a connection lost meanwhile is not believed. */
  attempt: number
  isReady: boolean
}

export class OwnConnections {
  readonly #options: OwnConnectionOptions
  #own: Map<string, Own> = new Map()
  #stopped = false

  constructor(options: OwnConnectionOptions) {
    this.#options = options
  }

  /** Opens what is missing and closes what is no primary any more. Cheap when nothing changed. */
  follow(): void {
    if (this.#stopped) return
    const primaries = this.#options.link.primaries()
    // In the middle of a failover: what there is keeps trying, and looks again each time.
    if (primaries.length === 0) return
    const isSame = primaries.length === this.#own.size && primaries.every(({ name }) => this.#own.has(name))
    if (isSame) return
    const before = this.#own
    this.#own = new Map(primaries.map((primary) => [primary.name, before.get(primary.name) ?? open(primary)]))
    for (const [name, own] of before) if (!this.#own.has(name)) this.#close(own)
    for (const [name, own] of this.#own) if (!before.has(name)) this.#open(name, own)
    if (before.size > 0) this.#options.onLost?.()
  }

  /** Whether there is a prepared connection to each primary that the client knows. */
  get areReady(): boolean {
    if (this.#own.size === 0) return false
    for (const own of this.#own.values()) if (!own.isReady) return false
    return true
  }

  get ready(): ReadonlyMap<string, RedisConnection> {
    const ready = new Map<string, RedisConnection>()
    for (const [name, { connection, isReady }] of this.#own) if (isReady && connection !== undefined) ready.set(name, connection)
    return ready
  }

  /** The connection to one primary, if it is ready. */
  to(name: string | undefined): RedisConnection | undefined {
    const own = name === undefined ? undefined : this.#own.get(name)
    return own?.isReady === true ? own.connection : undefined
  }

  /** Gives up connections that seem to hang, and opens new ones. */
  renew(): void {
    const before = this.#own
    this.#own = new Map()
    for (const own of before.values()) this.#close(own)
    this.#options.onLost?.()
    this.follow()
  }

  stop(): void {
    this.#stopped = true
    for (const own of this.#own.values()) this.#close(own)
    this.#own.clear()
  }

  #open(name: string, own: Own): void {
    own.primary
      .open(this.#options.overrides)
      .then(async (connection) => {
        if (this.#own.get(name) !== own) return
        own.connection = connection
        connection.on?.('invalidate', (key: unknown) => this.#options.onInvalidate?.(key === null ? null : String(key)))
        connection.on?.('ready', () => void this.#prepare(name, own))
        for (const event of ['error', 'end', 'reconnecting', 'terminated']) connection.on?.(event, () => this.#lose(own))
        connection.on?.('reconnecting', () => this.follow())
        await connection.connect?.()
      })
      // The driver reports and tries again by itself; where it gave up, the next look at the primaries starts anew.
      .catch(() => {
        if (this.#own.get(name) === own) this.#own.delete(name)
        this.#close(own)
      })
  }

  async #prepare(name: string, own: Own): Promise<void> {
    const { connection } = own
    if (connection === undefined) return
    own.attempt += 1
    const { attempt } = own
    try {
      await this.#options.prepare(connection, name)
      if (own.attempt !== attempt || this.#own.get(name) !== own) return
      own.isReady = true
      this.#options.onReady?.(name)
    } catch {
      // Not a primary, or gone again: opened anew at the next look.
      if (this.#own.get(name) === own) this.#own.delete(name)
      this.#close(own)
    }
  }

  #lose(own: Own): void {
    own.attempt += 1
    if (!own.isReady) return
    own.isReady = false
    this.#options.onLost?.()
  }

  #close(own: Own): void {
    own.isReady = false
    own.attempt += 1
    own.connection?.destroy?.()
  }
}

function open(primary: Primary): Own {
  return { primary, connection: undefined, attempt: 0, isReady: false }
}

/** Rejects unless the server is a primary: one that was put down keeps answering reads. */
export async function checkPrimary(connection: RedisConnection): Promise<void> {
  const role: unknown = await connection.sendCommand(['ROLE'], commandOptions)
  if (!Array.isArray(role) || String(role[0]) !== 'master') throw new Error('the Redis server is not a primary')
}
