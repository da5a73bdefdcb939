/**
 * Checks under way against an asynchronous store, so that parallel checks of one credential ask once. The key is
 * the whole credential: lookups that shared a prefix once mixed users up (ADV-26).
 */
import type { Instant, SessionId, SessionRecord } from '../store/store.ts'

export interface Flight {
  readonly credential: string
  readonly id: SessionId
  readonly startedAt: Instant
  readonly record: Promise<SessionRecord | undefined>
  /** The session changed after this flight left: its answer must be neither shared further nor remembered. */
  spoiled: boolean
}

export interface FlightBound {
  /** How old a lookup may be, in ms, that a check at `now` shares; only asked where there is one. */
  shareable(now: Instant): number
}

export class Flights {
  readonly #byCredential: Map<string, Flight> = new Map()
  /**
   * All of them: a fresh check sets out beside a flight that is under way, and takes its place above. By session, because
   * a store may tell of a hundred thousand changes at once.
   */
  readonly #underWay: Map<SessionId, Set<Flight>> = new Map()

  /**
   * One that is young enough at `now`. What it brings may be as old as it is itself, and a revocation on another node may
   * have been acknowledged meanwhile.
   */
  find(credential: string, now: Instant, bound: FlightBound): Flight | undefined {
    const flight = this.#byCredential.get(credential)
    // A negative age is a clock that went back: how old the flight is cannot be told.
    if (flight === undefined || now < flight.startedAt) return undefined
    return now - flight.startedAt < bound.shareable(now) ? flight : undefined
  }

  start(credential: string, id: SessionId, startedAt: Instant, record: Promise<SessionRecord | undefined>): Flight {
    const flight: Flight = { credential, id, startedAt, record, spoiled: false }
    this.#byCredential.set(credential, flight)
    const siblings = this.#underWay.get(id)
    if (siblings === undefined) this.#underWay.set(id, new Set([flight]))
    else siblings.add(flight)
    const land = () => {
      // The checks that share it come after this turn, and until then a change must still be able to spoil it.
      queueMicrotask(() => this.#arrived(flight))
      if (this.#byCredential.get(credential) === flight) this.#byCredential.delete(credential)
    }
    record.then(land, land)
    return flight
  }

  /** A check that starts after a revocation was acknowledged must not share an answer from before it. */
  spoil(id: SessionId): void {
    for (const flight of this.#underWay.get(id) ?? none) this.#spoilOne(flight)
  }

  spoilAll(): void {
    for (const flights of this.#underWay.values()) for (const flight of flights) this.#spoilOne(flight)
  }

  #arrived(flight: Flight): void {
    const siblings = this.#underWay.get(flight.id)
    siblings?.delete(flight)
    if (siblings?.size === 0) this.#underWay.delete(flight.id)
  }

  #spoilOne(flight: Flight): void {
    flight.spoiled = true
    this.#byCredential.delete(flight.credential)
  }
}

const none: readonly Flight[] = []
