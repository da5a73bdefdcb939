/**
 * The feed of changes, by client tracking (RESP3) on connections of our own. Every script that changes a session writes
 * and deletes the note of its slot tag, whose name says which were revoked, and how: a lookup of what was just told is, under
 * load, most of what a revocation takes. Servers tell each tracking connection of it in the order of their writes, so an
 * answer on that connection proves that all notes before it were told.
 */
import { type ChangeListener, ChangeListeners } from './changes.ts'
import { commandOptions, type Link, type RedisConnection } from './redis-client.ts'
import { checkPrimary, OwnConnections } from './redis-connection.ts'
import { inWaves, type RedisKeys, shards, tagOf } from './redis-keys.ts'
import { KnownSessions } from './redis-known.ts'
import { unpackRevocation } from './redis-record.ts'
import type { ChangeFeed, Instant, Revocation, SessionId } from './store.ts'

export interface RedisChangesOptions {
  readonly link: Link
  readonly keys: RedisKeys
  /** Most slot tags to remember sessions of. */
  readonly capacity: number
  /** Called when there was no more room to remember these. */
  readonly onForgotten: (ids: readonly SessionId[]) => void
  /** Called when a primary is there, or there again, or has been emptied: it may lack what was recorded. */
  readonly onPrimary: () => void
  /** Called whenever somebody asks whether this feed is whole. */
  readonly onAsked: () => void
}

/** Round trips that take longer than this are on a connection that hangs. */
const stuckAfter = 5000

const overrides = {
  RESP: 3,
  emitInvalidate: true,
  clientSideCache: undefined,
  disableOfflineQueue: true,
  maintNotifications: 'disabled',
  commandOptions,
} as const

interface Round {
  readonly at: Instant
  isOver: boolean
}

/** What this release does not understand may mean anything. */
function revocationIn(packed: string): Revocation | undefined {
  try {
    return unpackRevocation(packed)
  } catch {
    return undefined
  }
}

export class RedisChanges implements ChangeFeed {
  readonly #options: RedisChangesOptions
  readonly #listeners: ChangeListeners = new ChangeListeners()
  readonly #known: KnownSessions
  readonly #connections: OwnConnections
  /** Send instant of the latest round trip that every primary answered; undefined after any loss. */
  #confirmedAt: Instant | undefined
  #round: Round | undefined
  /** Counts losses: an answer to a question from before one proves nothing. */
  #losses = 0
  #clusterEpoch: string | undefined

  constructor(options: RedisChangesOptions) {
    this.#options = options
    this.#known = new KnownSessions(options.capacity, (ids) => {
      options.onForgotten(ids)
      this.#listeners.tell(ids)
    })
    this.#connections = new OwnConnections({
      link: options.link,
      overrides,
      prepare: (connection) => this.#track(connection),
      onReady: () => {
        this.#lose()
        options.onPrimary()
      },
      onLost: () => this.#lose(),
      onInvalidate: (key) => this.#invalidate(key),
    })
  }

  subscribe(listener: ChangeListener): () => void {
    this.#connections.follow()
    return this.#listeners.subscribe(listener)
  }

  confirm(now: Instant, maxAge: number): boolean {
    this.#connections.follow()
    this.#options.link.look(now)
    this.#options.onAsked()
    const { areReady } = this.#connections
    const round = this.#round
    if (round !== undefined && !round.isOver && Math.abs(now - round.at) > stuckAfter) {
      this.#round = undefined
      this.#connections.renew()
      return false
    }
    if (areReady && (round === undefined || round.isOver)) this.#ask(now)
    const confirmedAt = this.#confirmedAt
    // A clock that went back makes an old answer look fresh.
    return areReady && confirmedAt !== undefined && confirmedAt <= now && now - confirmedAt <= maxAge
  }

  /** The node has handed out these records, and may keep them. */
  remember(id: SessionId): void {
    this.#known.add(id)
  }

  remembers(id: SessionId): boolean {
    return this.#known.of(tagOf(id)).includes(id)
  }

  /** Changes that this node made: told without waiting for the note. */
  tell(ids: readonly SessionId[] | undefined): void {
    this.#listeners.tell(ids)
  }

  stop(): void {
    this.#connections.stop()
    this.#lose()
  }

  #lose(): void {
    this.#losses += 1
    this.#confirmedAt = undefined
    this.#listeners.tell(undefined)
  }

  #invalidate(key: string | null): void {
    const { keys } = this.#options
    if (key?.startsWith(keys.tracked.notes) !== true) {
      this.#listeners.tell(undefined)
      // Everything was flushed, what was revoked and denied included, and the connection stands.
      if (key === null) this.#options.onPrimary()
      return
    }
    const { tag, ended } = keys.readNote(key)
    const known = this.#known.of(tag)
    const revocation = ended && revocationIn(ended.revocation)
    if (ended === undefined || revocation === undefined) this.#listeners.tell(known)
    else
      this.#listeners.tell(
        ended.ids.filter((id) => known.includes(id)),
        revocation,
      )
  }

  /** One question at a time: the next is sent only after the server has sent off all that came before this one. */
  #ask(now: Instant): void {
    const round: Round = { at: now, isOver: false }
    const losses = this.#losses
    this.#round = round
    const asked = [...this.#connections.ready.values()].map((connection) => this.#beat(connection))
    Promise.all(asked).then(
      () => {
        round.isOver = true
        if (this.#losses === losses) this.#confirmedAt = now
      },
      () => {
        round.isOver = true
        if (this.#losses === losses) this.#lose()
      },
    )
  }

  /** In a cluster the answer also says that the server is no cut-off minority and that slots have not moved. */
  async #beat(connection: RedisConnection): Promise<void> {
    if (this.#options.link.mode !== 'cluster') {
      await connection.sendCommand(['PING'], commandOptions)
      return
    }
    const info = String(await connection.sendCommand(['CLUSTER', 'INFO'], commandOptions))
    if (!info.includes('cluster_state:ok')) throw new Error('the cluster is down')
    const epoch = /cluster_current_epoch:(\d+)/.exec(info)?.[1]
    if (epoch === this.#clusterEpoch || (this.#clusterEpoch !== undefined && Number(epoch) < Number(this.#clusterEpoch))) return
    const isFirst = this.#clusterEpoch === undefined
    this.#clusterEpoch = epoch
    if (!isFirst) await this.#findSlots()
  }

  /** Slots moved, perhaps to a server that this client does not know: asking for each shard makes it find out. */
  async #findSlots(): Promise<void> {
    const { link, keys } = this.#options
    await inWaves(shards, (shard) => link.send(keys.everyone(shard), ['EXISTS', keys.everyone(shard)]))
    this.#lose()
    throw new Error('slots have moved')
  }

  async #track(connection: RedisConnection): Promise<void> {
    const { notes, everyone } = this.#options.keys.tracked
    await checkPrimary(connection)
    // The driver turned on the other mode of tracking, which remembers what was read on this connection: nothing.
    await connection.sendCommand(['CLIENT', 'TRACKING', 'OFF'], commandOptions)
    const prefixes = ['PREFIX', notes, 'PREFIX', everyone]
    await connection.sendCommand(['CLIENT', 'TRACKING', 'ON', 'BCAST', ...prefixes], commandOptions)
  }
}
