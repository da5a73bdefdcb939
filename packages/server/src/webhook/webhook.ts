/**
 * The webhook: security events handed to a receiver of the operator's, in the order of the trail and at least once. The
 * trail is the buffer, and a cursor in the database of the accounts says how far the receiver has it: an event is passed over
 * by no restart, no crash and no outage of the receiver, unless it grows older than the trail keeps events.
 */
import type { Clock } from 'holdfast'
import { delay, type Now } from '../clock.ts'
import type { WebhookSetting } from '../config/webhook.ts'
import type { EventLog, StoredEvent } from '../events.ts'
import type { OnFault } from '../fault-log.ts'
import { randomShare, randomText } from '../random.ts'
import type { SecurityLog } from '../security-log.ts'
import type { CursorStore } from './cursor.ts'
import { headersOf, messageOf } from './message.ts'
import { type Outcome, post } from './post.ts'

export interface WebhookStats {
  /** Whether this node is the one that delivers. */
  readonly holds: boolean
  readonly delivered: number
  /** Attempts that the receiver did not take. */
  readonly failures: number
  /** Events that were deleted for their age before they could be delivered. */
  readonly lost: number
  /** Events of the trail that the receiver does not have yet, as last seen by the node that delivers. */
  readonly behind: number
}

export interface Webhook {
  start(): void
  readonly stats: WebhookStats
  /** Lets the delivery under way finish, for a moment, and gives the cursor to the other nodes. */
  stop(): Promise<void>
}

export interface WebhookParts {
  readonly setting: WebhookSetting
  readonly cursors: CursorStore
  readonly log: EventLog
  readonly clock: Clock | undefined
  readonly now: Now
  readonly tell: SecurityLog
  readonly onFault: OnFault
  /** For one attempt, in ms. Default 10 s. */
  readonly deadlineMs?: number
}

const name = 'webhook'
const page = 100
const pollMs = 500
/** Longer than an attempt may take, so that nobody else begins meanwhile. */
const leaseMs = 30_000
const standbyMs = 5000
const firstWaitMs = 1000
const longestWaitMs = 300_000
/** What is under way may take this long when the server stops; cut off, it is repeated by whoever goes on. */
const stopLimitMs = 2000
const taken = { taken: true } as const

class Deliverer implements Webhook {
  readonly #parts: WebhookParts
  readonly #holder: string = randomText(9)
  readonly #stopping: AbortController = new AbortController()
  readonly #cutting: AbortController = new AbortController()
  #running: Promise<void> | undefined
  /** How far the receiver has the trail; undefined while another node delivers. */
  #place: number | undefined
  #heldUntil = 0
  #failuresInRow = 0
  #counts = { delivered: 0, failures: 0, lost: 0, behind: 0 }

  constructor(parts: WebhookParts) {
    this.#parts = parts
  }

  get stats(): WebhookStats {
    return { holds: this.#place !== undefined, ...this.#counts }
  }

  start(): void {
    this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    if (this.#running === undefined) return
    this.#stopping.abort()
    const ended = new AbortController()
    void delay(stopLimitMs, undefined, ended.signal).then(() => this.#cutting.abort())
    await this.#running
    ended.abort()
    if (this.#place === undefined) return
    try {
      await this.#parts.cursors.release(name, this.#holder)
    } catch (fault) {
      this.#parts.onFault(fault, 'giving up the webhook')
    }
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      const wait = await this.#step().catch((fault: unknown) => {
        this.#parts.onFault(fault, 'delivering security events')
        return standbyMs
      })
      if (wait > 0) await delay(wait, this.#parts.clock, this.#stopping.signal)
    }
  }

  /** One page, as far as the receiver takes it; returns how long to wait before the next, in ms. */
  async #step(): Promise<number> {
    const last = (await this.#parts.log.last())?.sequence ?? 0
    if (!(await this.#hold(last))) return standbyMs
    const from = this.#place ?? last
    this.#counts.behind = Math.max(0, last - from)
    if (last <= from) return pollMs
    const events = await this.#parts.log.read({ after: from, limit: page })
    this.#countLost(from, events[0])
    const wait = await this.#deliverAll(events, last)
    this.#counts.behind = Math.max(0, last - (this.#place ?? last))
    return wait
  }

  async #deliverAll(events: readonly StoredEvent[], last: number): Promise<number> {
    const { setting, cursors } = this.#parts
    for (const event of events) {
      if (this.#isStopping || !(await this.#hold(last))) return standbyMs
      const isWanted = setting.events.has(event.kind)
      const outcome = isWanted ? await this.#deliver(event) : taken
      if (!outcome.taken) return this.#waitAfter(outcome)
      this.#place = event.sequence
      const isToBeKept = isWanted || event === events.at(-1)
      if (isToBeKept && !(await cursors.advance(name, this.#holder, event.sequence))) return this.#giveUp()
    }
    return events.length === page ? 0 : pollMs
  }

  /** Whether this node delivers. The lease is renewed when half of it is over. */
  async #hold(last: number): Promise<boolean> {
    const now = this.#parts.now()
    if (this.#place !== undefined && now < this.#heldUntil - leaseMs / 2) return true
    const until = now + leaseMs
    const claim = { holder: this.#holder, now, until, start: last }
    const place = await this.#parts.cursors.claim(name, claim)
    // Another node may have held it in between, and gone further.
    this.#place = place === undefined ? undefined : Math.max(place, this.#place ?? 0)
    this.#heldUntil = until
    return place !== undefined
  }

  #giveUp(): number {
    this.#place = undefined
    return standbyMs
  }

  #countLost(from: number, first: StoredEvent | undefined): void {
    const lost = first === undefined ? 0 : first.sequence - from - 1
    if (lost <= 0) return
    this.#counts.lost += lost
    this.#parts.tell({ kind: 'webhook_lost', outcome: String(lost) })
  }

  async #deliver(event: StoredEvent): Promise<Outcome> {
    const { setting, now, deadlineMs = 10_000 } = this.#parts
    const message = messageOf(event)
    const headers = headersOf(message, Math.floor(now() / 1000), setting.secrets)
    const { body } = message
    const outcome = await post({ url: setting.url, headers, body, deadlineMs, signal: this.#cutting.signal })
    if (outcome.taken) {
      this.#counts.delivered += 1
      this.#failuresInRow = 0
    }
    return outcome
  }

  /** Doubling, less up to half, so that nodes and receivers do not meet in step; and no sooner than the receiver asks. */
  #waitAfter({ why, retryAfter }: Extract<Outcome, { taken: false }>): number {
    // Cut by a stop: no failure of the receiver's, and whoever goes on repeats it.
    if (this.#cutting.signal.aborted) return standbyMs
    this.#counts.failures += 1
    // Once an outage: an event at each attempt would itself have to be delivered.
    if (this.#failuresInRow === 0) this.#parts.tell({ kind: 'webhook_failing', reason: why })
    const longest = Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(this.#failuresInRow, 16))
    this.#failuresInRow += 1
    return Math.max(retryAfter, longest * (1 - randomShare() / 2))
  }
}

const idle: Webhook = {
  start: () => undefined,
  stats: { holds: false, delivered: 0, failures: 0, lost: 0, behind: 0 },
  stop: async () => undefined,
}

/** Without a setting it does nothing. */
export function createWebhook({
  setting,
  ...parts
}: Omit<WebhookParts, 'setting'> & { setting: WebhookSetting | undefined }): Webhook {
  return setting === undefined ? idle : new Deliverer({ setting, ...parts })
}
