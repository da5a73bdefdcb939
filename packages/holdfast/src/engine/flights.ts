/**
 * Checks under way against an asynchronous store, so that parallel checks of one credential ask once. The key is
 * the whole credential: lookups that shared a prefix once mixed users up (ADV-26).
 *
 * Flights are numbered as they leave. A change of a session notes the latest number, and that spoils every flight of
 * that session up to it: so a check pays for one place in one map, and a hundred thousand changes for no search.
 */
import type { Instant, SessionId, SessionRecord } from '../store/store.ts'

export interface Flight {
  readonly credential: string
  readonly id: SessionId
  readonly startedAt: Instant
  readonly record: Promise<SessionRecord | undefined>
  readonly number: number
  /** Whether checks of the same credential find it. */
  isOpen: boolean
}

export interface FlightBound {
  /** How old a lookup may be, in ms, that a check at `now` shares; only asked where there is one. */
  shareable(now: Instant): number
}

/** Changed sessions noted by name; past this all flights under way are spoiled, which costs each of them being remembered. */
const mostChanged = 1024

export class Flights {
  readonly #byCredential: Map<string, Flight> = new Map()
  /** By session that changed: the last flight that left before. Kept while any check waits. */
  readonly #changed: Map<SessionId, number> = new Map()
  /** Up to this one all are spoiled. */
  #spoiled = 0
  #latest = 0
  /** Checks that wait for a flight, or judge what it brought. */
  #checks = 0

  /**
   * One that is young enough at `now`, to be left again. What it brings may be as old as it is itself, and a revocation
   * on another node may have been acknowledged meanwhile.
   */
  join(credential: string, now: Instant, bound: FlightBound): Flight | undefined {
    const flight = this.#byCredential.get(credential)
    if (flight === undefined) return undefined
    if (!this.#isShareable(flight, now, bound)) {
      this.#close(flight)
      return undefined
    }
    this.#checks += 1
    return flight
  }

  /** One that later checks of the credential join: by a check that found none to join itself, so that there is one. */
  start(credential: string, id: SessionId, startedAt: Instant, record: Promise<SessionRecord | undefined>): Flight {
    const flight = this.startAlone(credential, id, startedAt, record)
    flight.isOpen = true
    this.#byCredential.set(credential, flight)
    return flight
  }

  /** One that nobody joins. */
  startAlone(credential: string, id: SessionId, startedAt: Instant, record: Promise<SessionRecord | undefined>): Flight {
    this.#checks += 1
    this.#latest += 1
    return { credential, id, startedAt, record, number: this.#latest, isOpen: false }
  }

  /** By each check that started or joined it, once it has judged: until then a change must still be able to spoil it. */
  leave(flight: Flight): void {
    if (flight.isOpen) this.#close(flight)
    this.#checks -= 1
    if (this.#checks === 0 && this.#changed.size > 0) this.#changed.clear()
  }

  /** Whether the session changed after this flight left: then its answer must be neither shared further nor remembered. */
  isSpoiled({ id, number }: Flight): boolean {
    return number <= this.#spoiled || (this.#changed.size > 0 && number <= (this.#changed.get(id) ?? 0))
  }

  /** A check that starts after a revocation was acknowledged must not share an answer from before it. */
  spoil(id: SessionId): void {
    if (this.#checks === 0 || this.#spoiled === this.#latest) return
    this.#changed.set(id, this.#latest)
    if (this.#changed.size > mostChanged) this.spoilAll()
  }

  spoilAll(): void {
    this.#spoiled = this.#latest
    this.#changed.clear()
  }

  #isShareable(flight: Flight, now: Instant, bound: FlightBound): boolean {
    const age = now - flight.startedAt
    // A negative age is a clock that went back: how old the flight is cannot be told. The bound comes first: asking for
    // it may tell of the very change that spoils this flight.
    return age >= 0 && age < bound.shareable(now) && !this.isSpoiled(flight)
  }

  #close(flight: Flight): void {
    flight.isOpen = false
    this.#byCredential.delete(flight.credential)
  }
}
