/** Sessions of which this node heard that they were revoked elsewhere. */
import { keepNewest } from '../shared/keep-newest.ts'
import type { Revocation, SessionId, SessionRecord } from '../store/store.ts'

const most = 1000

/**
 * Of those that it remembered. Under load, asking the store for what it has just told is most of the time that a revocation
 * takes to be seen here; and what is revoked stays so, whatever else happens to it. Bounded: whoever asks later asks the store.
 */
export class EndedSessions {
  readonly #records: Map<SessionId, SessionRecord> = new Map()

  add(record: SessionRecord, { at, reason }: Revocation): void {
    this.#records.set(record.id, { ...record, revokedAt: at, reason })
    keepNewest(this.#records, most)
  }

  get(id: SessionId): SessionRecord | undefined {
    return this.#records.get(id)
  }
}
