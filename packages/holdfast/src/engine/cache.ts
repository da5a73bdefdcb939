/**
 * Verified sessions that this node remembers, keyed by the whole credential.
 *
 * Bounded by two generations: new entries go into the young one; when it is full it becomes the old one and the
 * former old one is let go. A hit in the old one moves up. That is one map operation per hit, and no timer.
 * The store's change feed drops entries; without its confirmation nothing here is trusted (DESIGN 5).
 */
import type { ChangeFeed, Instant, SessionId, SessionRecord } from '../store/store.ts'
import type { RequestContext, Verdict } from './session.ts'
import type { ChangeStats } from './stats.ts'

export interface Remembered {
  readonly record: SessionRecord
  /** The same frozen object for every check until something changes. */
  readonly verdict: Verdict & { readonly status: 'live' }
  /** First instant at which the record must be looked at again: a limit, a decay. */
  readonly validUntil: Instant
  /** First instant at which activity is to be recorded. */
  readonly touchAt: Instant
  /** Whether the credential is the current one, not one that a step-up replaced a moment ago. */
  readonly current: boolean
  /** When the credential itself ends, whatever the session does; infinite for one that lives as long. */
  readonly until: Instant
  /** The client that the record was last checked for; null when it was checked without one. */
  readonly client: RequestContext | null
}

interface Generation {
  readonly entries: Map<string, Remembered>
  /** Credentials by session, so that one change drops them all. */
  readonly credentials: Map<SessionId, string[]>
}

const emptyGeneration = (): Generation => ({ entries: new Map(), credentials: new Map() })

export class VerifiedCache {
  readonly capacity: number
  readonly #perGeneration: number
  #young: Generation = emptyGeneration()
  #old: Generation = emptyGeneration()
  #changes = 0
  /** Entries of the old generation that are in the young one too. */
  #inBoth = 0

  /** `capacity` 0 remembers nothing. */
  constructor(capacity: number) {
    this.capacity = capacity
    this.#perGeneration = Math.ceil(capacity / 2)
  }

  find(credential: string): Remembered | undefined {
    const young = this.#young.entries.get(credential)
    if (young !== undefined) return young
    const old = this.#old.entries.get(credential)
    if (old !== undefined) this.put(credential, old)
    return old
  }

  put(credential: string, entry: Remembered): void {
    if (this.#perGeneration === 0) return
    const young = this.#young
    if (!young.entries.has(credential)) {
      if (young.entries.size >= this.#perGeneration) {
        this.#old = young
        this.#young = emptyGeneration()
        this.#inBoth = 0
        this.put(credential, entry)
        return
      }
      if (this.#old.entries.has(credential)) this.#inBoth += 1
      const siblings = young.credentials.get(entry.record.id)
      if (siblings === undefined) young.credentials.set(entry.record.id, [credential])
      else siblings.push(credential)
    }
    young.entries.set(credential, entry)
  }

  /** Counts drops: a record read before one of them must not be put after it. */
  get changes(): number {
    return this.#changes
  }

  /** Whether there was anything of this session to drop. */
  drop(id: SessionId): boolean {
    this.#changes += 1
    const young = dropFrom(this.#young, id)
    const old = dropFrom(this.#old, id)
    for (const credential of young) if (old.includes(credential)) this.#inBoth -= 1
    return young.length > 0 || old.length > 0
  }

  clear(): void {
    this.#changes += 1
    this.#young = emptyGeneration()
    this.#old = emptyGeneration()
    this.#inBoth = 0
  }

  /** Entries held, counting one that has moved up but not yet fallen out of the old generation once. */
  get size(): number {
    return this.#young.entries.size + this.#old.entries.size - this.#inBoth
  }
}

const none: readonly string[] = []

/** The credentials whose entries it dropped. */
function dropFrom({ entries, credentials }: Generation, id: SessionId): readonly string[] {
  const dropped = credentials.get(id)
  if (dropped === undefined) return none
  for (const credential of dropped) entries.delete(credential)
  credentials.delete(id)
  return dropped
}

/** Whether what this node remembers may be trusted: the store's change feed said so, recently enough. */
export class Confirmation {
  readonly #feed: ChangeFeed | undefined
  readonly #every: number
  readonly #maxAge: number
  readonly #maxStaleness: number
  #at: Instant | undefined
  #stopped = false
  #bypasses = 0
  #bypassMs = 0
  /** When memory was last found not to be trusted; undefined while it is. */
  #bypassedAt: Instant | undefined

  /** A feed is asked every twentieth of `maxStaleness` and may lag by the rest, so that together they keep the bound. */
  constructor(feed: ChangeFeed | undefined, maxStaleness: number) {
    this.#feed = feed
    this.#every = Math.floor(maxStaleness / 20)
    this.#maxAge = maxStaleness - this.#every
    this.#maxStaleness = maxStaleness
  }

  /** From now on `holds` is false. */
  stop(): void {
    this.#stopped = true
  }

  /** False: nothing may be remembered or answered from memory at `now`. Never throws. */
  holds(now: Instant): boolean {
    if (this.#feed === undefined || this.#stopped) return false
    const age = this.#at === undefined ? undefined : now - this.#at
    // A negative age is a clock that went back: ask again.
    if (age !== undefined && age >= 0 && age < this.#every) return true
    this.#at = undefined
    try {
      if (this.#feed.confirm(now, this.#maxAge)) this.#at = now
    } catch {
      // A store that cannot say so is a store not to be remembered; the check itself will report the fault.
    }
    this.#note(now)
    return this.#at !== undefined
  }

  /**
   * How old a lookup may be, in ms, that a check at `now` shares: none at all while changes are not heard of. A store
   * without a feed promises no more than the bound.
   */
  shareable(now: Instant): number {
    return this.#feed === undefined || this.holds(now) ? this.#maxStaleness : 0
  }

  get stats(): Omit<ChangeStats, 'lagMs'> {
    return { whole: this.#at !== undefined && !this.#stopped, bypasses: this.#bypasses, bypassMs: this.#bypassMs }
  }

  #note(now: Instant): void {
    // Between two checks that lie further apart nobody was kept from memory.
    if (this.#bypassedAt !== undefined) this.#bypassMs += Math.min(Math.max(now - this.#bypassedAt, 0), this.#maxStaleness)
    else if (this.#at === undefined) this.#bypasses += 1
    this.#bypassedAt = this.#at === undefined ? now : undefined
  }
}
