/**
 * Checks under way against an asynchronous store, so that parallel checks of one credential ask once. The key is
 * the whole credential: lookups that shared a prefix once mixed users up (ADV-26).
 */
import type { SessionId, SessionRecord } from '../store/store.ts'

export interface Flight {
  readonly credential: string
  readonly id: SessionId
  readonly record: Promise<SessionRecord | undefined>
  /** The session changed after this flight left: its answer must be neither shared further nor remembered. */
  spoiled: boolean
}

export class Flights {
  readonly #byCredential: Map<string, Flight> = new Map()
  /** All of them: a fresh check sets out beside a flight that is under way, and takes its place in the map. */
  readonly #underWay: Set<Flight> = new Set()

  find(credential: string): Flight | undefined {
    return this.#byCredential.get(credential)
  }

  start(credential: string, id: SessionId, record: Promise<SessionRecord | undefined>): Flight {
    const flight: Flight = { credential, id, record, spoiled: false }
    this.#byCredential.set(credential, flight)
    this.#underWay.add(flight)
    const land = () => {
      // The checks that share it come after this turn, and until then a change must still be able to spoil it.
      queueMicrotask(() => this.#underWay.delete(flight))
      if (this.#byCredential.get(credential) === flight) this.#byCredential.delete(credential)
    }
    record.then(land, land)
    return flight
  }

  /** A check that starts after a revocation was acknowledged must not share an answer from before it. */
  spoil(id: SessionId): void {
    for (const flight of this.#underWay) if (flight.id === id) this.#spoilOne(flight)
  }

  spoilAll(): void {
    for (const flight of this.#underWay) this.#spoilOne(flight)
  }

  #spoilOne(flight: Flight): void {
    flight.spoiled = true
    this.#byCredential.delete(flight.credential)
  }
}
