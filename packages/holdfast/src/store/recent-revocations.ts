/**
 * Revocations that this node made a short while ago. A replica that becomes primary may not have them: asynchronous
 * replication forgets. So they hold here whatever the server says, and are asserted again when a primary changes.
 * A shard is what has an epoch of its own; a store that is not cut into several has the one, named ''.
 */
import type { Instant, Revocation, SessionId, SessionRecord } from './store.ts'

/** Longer than any failover takes. */
const keptFor = 10 * 60_000
const mostKept = 10_000
const only = (): string => ''

export class RecentRevocations {
  readonly #revocations: Map<SessionId, Revocation> = new Map()
  #everyone: { readonly revocation: Revocation; readonly epochs: ReadonlyMap<string, number> } | undefined

  add(ids: readonly SessionId[], revocation: Revocation): void {
    for (const id of ids) {
      this.#revocations.delete(id)
      this.#revocations.set(id, revocation)
    }
    this.#prune(revocation.at)
  }

  /** The epoch that each shard reached by the latest everyone-out. */
  addEveryone(epochs: ReadonlyMap<string, number>, revocation: Revocation): void {
    this.#everyone = { revocation, epochs }
  }

  /** The record as this node knows it: revoked here, even if the server has forgotten that. */
  overlay(record: SessionRecord, shardOf: (id: SessionId) => string = only): SessionRecord {
    if (record.revokedAt !== null) return record
    if (this.#everyone !== undefined && record.epoch < (this.#everyone.epochs.get(shardOf(record.id)) ?? 0)) {
      return revokedBy(record, this.#everyone.revocation)
    }
    const own = this.#revocations.size === 0 ? undefined : this.#revocations.get(record.id)
    return own === undefined ? record : revokedBy(record, own)
  }

  /** What to assert again, latest last. */
  get all(): ReadonlyMap<SessionId, Revocation> {
    return this.#revocations
  }

  get everyone(): { readonly revocation: Revocation; readonly epochs: ReadonlyMap<string, number> } | undefined {
    return this.#everyone
  }

  #prune(now: Instant): void {
    for (const [id, { at }] of this.#revocations) {
      if (this.#revocations.size <= mostKept && at > now - keptFor) return
      this.#revocations.delete(id)
    }
  }
}

function revokedBy(record: SessionRecord, { at, reason }: Revocation): SessionRecord {
  return { ...record, revokedAt: at, reason }
}
