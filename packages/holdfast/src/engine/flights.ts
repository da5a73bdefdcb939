/**
 * Checks under way against an asynchronous store, so that parallel checks of one credential ask once. The key is
 * the whole credential: lookups that shared a prefix once mixed users up (ADV-26).
 */
import type { SessionId, SessionRecord } from '../store/store.ts'

export interface Flight {
  readonly id: SessionId
  readonly record: Promise<SessionRecord | undefined>
  /** The session changed after this flight left: its answer must be neither shared further nor remembered. */
  spoiled: boolean
}

export class Flights {
  readonly #byCredential: Map<string, Flight> = new Map()

  find(credential: string): Flight | undefined {
    return this.#byCredential.get(credential)
  }

  start(credential: string, id: SessionId, record: Promise<SessionRecord | undefined>): Flight {
    const flight: Flight = { id, record, spoiled: false }
    this.#byCredential.set(credential, flight)
    const land = () => {
      if (this.#byCredential.get(credential) === flight) this.#byCredential.delete(credential)
    }
    record.then(land, land)
    return flight
  }

  /** A check that starts after a revocation was acknowledged must not share an answer from before it. */
  spoil(id: SessionId): void {
    for (const [credential, flight] of this.#byCredential) if (flight.id === id) this.#spoilOne(credential, flight)
  }

  spoilAll(): void {
    for (const [credential, flight] of this.#byCredential) this.#spoilOne(credential, flight)
  }

  #spoilOne(credential: string, flight: Flight): void {
    flight.spoiled = true
    this.#byCredential.delete(credential)
  }
}
