/** What an engine counts about itself: plain numbers, added to in passing and copied when asked for. */
import { type DeadReason, deadReasons, type UnknownCode } from '../shared/codes.ts'
import { keepNewest } from '../shared/keep-newest.ts'
import type { Instant, SessionId, SessionRecord } from '../store/store.ts'
import type { CircuitState } from './circuit.ts'

/** Counts run from the start of this engine and never fall; the rest is as it stands at this moment. */
export interface Stats {
  readonly verdicts: {
    readonly live: number
    readonly dead: Readonly<Record<DeadReason, number>>
    readonly unknown: Readonly<Record<UnknownCode, number>>
  }
  readonly cache: {
    /** Verified sessions remembered, and how many fit. */
    readonly size: number
    readonly capacity: number
    /** Checks of what was remembered, and those that had to ask the store although they need not have. */
    readonly hits: number
    readonly misses: number
  }
  readonly changes: ChangeStats
  readonly store: {
    readonly reads: StoreCallStats
    readonly writes: StoreCallStats
  }
  /** Live connections (SSE, WebSocket) attached to sessions. */
  readonly connections: number
  /** Sightings and revocations that wait to be written. */
  readonly pendingTouches: number
  readonly pendingRevocations: number
}

/** How well this node is told of changes. */
export interface ChangeStats {
  /** Whether the store's change feed was whole when last asked; false also for a store that has none. */
  readonly whole: boolean
  /** How often, and for how many ms in all, checks had to do without memory because it was not. */
  readonly bypasses: number
  readonly bypassMs: number
  /**
   * From a revocation on another node, by that node's clock, to this node forgetting the session, in ms; seen when the
   * session is presented again. Null before the first.
   */
  readonly lagMs: { readonly last: number | null; readonly max: number | null }
}

/** Calls of the store of one kind. */
export interface StoreCallStats {
  readonly circuit: CircuitState
  /** How often the circuit has opened. */
  readonly opened: number
  /** Calls that wait for an answer. */
  readonly inFlight: number
  /** Calls that the store failed, that it did not answer in time, and that were not made. */
  readonly faults: number
  readonly timeouts: number
  readonly refused: number
}

function zeros<K extends string>(names: readonly K[]): Record<K, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<K, number>
}

const unknownCodes: readonly UnknownCode[] = ['store-unavailable', 'crypto-unavailable']

/** Verdicts, as they are given. */
export class Tally {
  /** Live at once from memory: the only count on that path. */
  remembered = 0
  /** From memory too, but looked at again: another client, or activity to record. */
  reviewed = 0
  /** Live, other than `remembered`. */
  live = 0
  missed = 0
  readonly dead: Record<DeadReason, number> = zeros(Object.keys(deadReasons) as DeadReason[])
  readonly unknown: Record<UnknownCode, number> = zeros(unknownCodes)

  get verdicts(): Stats['verdicts'] {
    return { live: this.live + this.remembered, dead: { ...this.dead }, unknown: { ...this.unknown } }
  }
}

const mostForgotten = 1000

/** Measures how long revocations of other nodes take to reach this one. */
export class LagMeter {
  /** When this node was told to forget sessions that it remembered; bounded, the oldest go first. */
  readonly #forgotten: Map<SessionId, Instant> = new Map()
  #last: number | null = null
  #max: number | null = null

  forgot(id: SessionId, now: Instant): void {
    this.#forgotten.set(id, now)
    keepNewest(this.#forgotten, mostForgotten)
  }

  /** A change of our own says nothing about others'. */
  own(id: SessionId): void {
    this.#forgotten.delete(id)
  }

  /** The session as the store has it now. */
  saw({ id, revokedAt }: Pick<SessionRecord, 'id' | 'revokedAt'>): void {
    if (this.#forgotten.size === 0) return
    const at = this.#forgotten.get(id)
    if (at === undefined) return
    this.#forgotten.delete(id)
    if (revokedAt === null) return
    // Two clocks are compared: a lag below none is theirs.
    this.#last = Math.max(0, at - revokedAt)
    this.#max = Math.max(this.#last, this.#max ?? 0)
  }

  get lagMs(): ChangeStats['lagMs'] {
    return { last: this.#last, max: this.#max }
  }
}
