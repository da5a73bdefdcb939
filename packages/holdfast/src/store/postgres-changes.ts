/**
 * Changes of all nodes, by LISTEN on a connection of its own.
 *
 * A commit that notifies has woken every listening session before it is answered (AtCommit_Notify, in PostgreSQL's
 * async.c), and a session sends what it was told before it reports itself ready for the next query (postgres.c). So the
 * answer to a query that was sent at an instant follows the notifications of everything acknowledged by then; they
 * come in the order of the commits (manual, NOTIFY).
 */
import { revocationReasons } from '../shared/codes.ts'
import type { ChangeListener, ChangeListeners } from './changes.ts'
import { type PostgresClient, queryOf } from './postgres-pool.ts'
import type { ChangeFeed, Instant } from './store.ts'

/** Between two attempts to connect, as far as anyone asks. */
const pause = 250
/** For a connection to stand. */
const patience = 10_000

interface Line {
  readonly client: PostgresClient
  /** When it was first asked about, while it is not yet whole. */
  askedAt: Instant | undefined
  /** Listening: whatever happens from now on will be heard. */
  whole: boolean
  beating: boolean
  /** Everything acknowledged by this instant has been told. */
  confirmedAt: Instant | undefined
}

/** Ids, and behind those that one revocation ended: when and why. */
const told = /^([\w-]{24}(?:,[\w-]{24})*)(?:!(\d{1,15})!([a-z-]+))?$/

export interface PostgresChangesOptions {
  readonly open: () => PostgresClient
  readonly channel: string
  readonly listeners: ChangeListeners
  /** In ms. */
  readonly timeout: number
  /** Called when a server is there, or there again: it may be another. */
  readonly onServer: () => void
  /** Called whenever somebody asks whether this feed is whole. */
  readonly onAsked: () => void
}

export class PostgresChanges implements ChangeFeed {
  readonly #options: PostgresChangesOptions
  #line: Line | undefined
  #triedAt: Instant | undefined
  #closed = false

  constructor(options: PostgresChangesOptions) {
    this.#options = options
  }

  subscribe(listener: ChangeListener): () => void {
    if (this.#line === undefined && this.#triedAt === undefined) this.#connect(undefined)
    return this.#options.listeners.subscribe(listener)
  }

  confirm(now: Instant, maxAge: number): boolean {
    this.#options.onAsked()
    const line = this.#line
    if (line === undefined) {
      const waited = this.#triedAt === undefined ? pause : Math.abs(now - this.#triedAt)
      if (waited >= pause) this.#connect(now)
      return false
    }
    if (!line.whole) {
      line.askedAt ??= now
      if (Math.abs(now - line.askedAt) > patience) this.#lose(line)
      return false
    }
    if (!line.beating) void this.#beat(line, now)
    const { confirmedAt } = line
    return confirmedAt !== undefined && confirmedAt <= now && now - confirmedAt <= maxAge
  }

  async close(): Promise<void> {
    this.#closed = true
    const client = this.#line?.client
    this.#line = undefined
    await client?.end()
  }

  #connect(now: Instant | undefined): void {
    if (this.#closed) return
    this.#triedAt = now
    const client = this.#options.open()
    const line: Line = { client, askedAt: now, whole: false, beating: false, confirmedAt: undefined }
    this.#line = line
    client.on('error', () => this.#lose(line))
    client.on('end', () => this.#lose(line))
    client.on('notification', ({ payload }) => this.#hear(payload))
    void this.#listen(line, now)
  }

  async #listen(line: Line, now: Instant | undefined): Promise<void> {
    try {
      await line.client.connect()
      await line.client.query(queryOf(`LISTEN "${this.#options.channel}"`, [], this.#options.timeout))
    } catch {
      this.#lose(line)
      return
    }
    if (this.#line !== line) return
    line.whole = true
    // What happened before it listened is told in one word.
    line.confirmedAt = now
    this.#options.listeners.tell(undefined)
    this.#options.onServer()
  }

  async #beat(line: Line, now: Instant): Promise<void> {
    line.beating = true
    try {
      await line.client.query(queryOf('SELECT 1', [], this.#options.timeout))
      line.confirmedAt = now
      line.beating = false
    } catch {
      this.#lose(line)
    }
  }

  #hear(payload: string | undefined): void {
    // What this release does not understand may mean anything.
    const [, ids, at, why] = told.exec(payload ?? '') ?? []
    const reason = revocationReasons.find((known) => known === why)
    this.#options.listeners.tell(ids?.split(','), reason && { at: Number(at), reason })
  }

  #lose(line: Line): void {
    if (this.#line !== line) return
    this.#line = undefined
    // It has failed already, and what it says at its end adds nothing.
    line.client.end().catch(() => {})
    if (line.whole) this.#options.listeners.tell(undefined)
    // Once at once, for streams that wait and ask nothing; from then on as often as somebody asks.
    if (line.confirmedAt !== undefined) this.#connect(undefined)
  }
}
