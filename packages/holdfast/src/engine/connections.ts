/** Live connections (SSE, WebSocket) and the sessions they belong to: when the session ends, they are closed. */
import type { RevocationReason } from '../shared/codes.ts'
import type { Instant, SessionId, SessionRecord } from '../store/store.ts'
import type { ConnectionEnd } from './api.ts'
import type { Confirmation } from './cache.ts'
import type { Clock } from './clock.ts'
import type { FaultLogger } from './events.ts'
import { runHook } from './hook.ts'
import type { RevocableRecord } from './pending.ts'
import { endOf } from './record.ts'

interface Attached {
  readonly session: RevocableRecord
  readonly close: (end: ConnectionEnd) => void
  /** When the session would end by time, as last known; looked up from then on. In the past: at the next round. */
  expiresAt: Instant
}

export interface ConnectionsOptions {
  readonly clock: Clock
  readonly confirmation: Confirmation
  readonly load: (id: SessionId) => Promise<SessionRecord | undefined>
  /** A revocation that the store could not record yet. */
  readonly reasonFor: (record: RevocableRecord) => RevocationReason | undefined
  readonly onExpired: (record: SessionRecord) => void
  readonly onFault: FaultLogger
  /** How often the change feed and the limits are looked at while anything is attached, in ms. */
  readonly every: number
}

export class Connections {
  readonly #options: ConnectionsOptions
  readonly #attached: Map<SessionId, Set<Attached>> = new Map()
  #cancelTimer: (() => void) | undefined

  constructor(options: ConnectionsOptions) {
    this.#options = options
  }

  attach(session: RevocableRecord, expiresAt: Instant, close: (end: ConnectionEnd) => void): () => void {
    const { id } = session
    const connection: Attached = { session, close, expiresAt }
    const siblings = this.#attached.get(id) ?? new Set()
    siblings.add(connection)
    this.#attached.set(id, siblings)
    this.#arm()
    // The session may have ended between its check and this call, before anything was here to be told.
    void this.#recheckOne(id)
    return () => {
      siblings.delete(connection)
      if (siblings.size === 0 && this.#attached.get(id) === siblings) this.#attached.delete(id)
      if (this.#attached.size === 0) this.#disarm()
    }
  }

  /** Closes every connection of a session, once. */
  end(id: SessionId, end: ConnectionEnd): void {
    const siblings = this.#attached.get(id)
    if (siblings === undefined) return
    this.#attached.delete(id)
    if (this.#attached.size === 0) this.#disarm()
    for (const { close } of siblings) runHook(() => close(end), this.#options.onFault, 'closing a live connection')
  }

  /** Closes what a revocation names that the store could not record, without asking that store. */
  endUnrecorded(): void {
    for (const [id, siblings] of this.#attached) {
      for (const { session } of siblings) {
        const reason = this.#options.reasonFor(session)
        if (reason !== undefined) this.end(id, { cause: 'revoked', reason })
      }
    }
  }

  endAll(end: ConnectionEnd): void {
    for (const id of [...this.#attached.keys()]) this.end(id, end)
  }

  /** Looks sessions up again after a change: these, or all that are attached. */
  recheck(ids: Iterable<SessionId> = [...this.#attached.keys()]): void {
    for (const id of ids) if (this.#attached.has(id)) void this.#recheckOne(id)
  }

  get count(): number {
    let count = 0
    for (const siblings of this.#attached.values()) count += siblings.size
    return count
  }

  async #recheckOne(id: SessionId): Promise<void> {
    let record: SessionRecord | undefined
    try {
      record = await this.#options.load(id)
    } catch (fault) {
      // "Cannot tell" ends nothing; the next round asks again.
      this.#options.onFault(fault, 'checking the session of a live connection')
      this.#dueFrom(id, Number.NEGATIVE_INFINITY)
      return
    }
    if (record === undefined) {
      this.end(id, { cause: 'expired' })
      return
    }
    const revoked = record.reason ?? this.#options.reasonFor(record)
    if (revoked != null) this.end(id, { cause: 'revoked', reason: revoked })
    else if (endOf(record, this.#options.clock.now()) === undefined)
      this.#dueFrom(id, Math.min(record.idleExpiresAt, record.absoluteExpiresAt))
    else if (this.#attached.has(id)) {
      this.#options.onExpired(record)
      this.end(id, { cause: 'expired' })
    }
  }

  #dueFrom(id: SessionId, instant: Instant): void {
    for (const connection of this.#attached.get(id) ?? []) connection.expiresAt = instant
  }

  #arm(): void {
    this.#cancelTimer ??= this.#options.clock.after(this.#options.every, () => {
      this.#cancelTimer = undefined
      this.#round()
      if (this.#attached.size > 0) this.#arm()
    })
  }

  #disarm(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }

  #round(): void {
    const now = this.#options.clock.now()
    // Asking the feed tells its listeners of what changed elsewhere; without a feed every session is looked up.
    if (!this.#options.confirmation.holds(now)) {
      this.recheck()
      return
    }
    for (const [id, siblings] of this.#attached) {
      for (const { expiresAt } of siblings) {
        if (now < expiresAt) continue
        void this.#recheckOne(id)
        break
      }
    }
  }
}
