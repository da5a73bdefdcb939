/**
 * Verified sessions that this node remembers, each for the whole credential that it was verified with.
 *
 * Found by a number made of its end, and then compared in full: a text's hash costs by its length, and each request brings the
 * text anew. The end is that of a tag or a signature, which nobody can work out: of four thousand million guesses one gets as
 * far as being compared with a given session's, and is refused like the others.
 *
 * Bounded so that whoever has a million tokens checked drives out nobody who is busy (`shared/bounded-cache.ts`); no timer.
 * The store's change feed drops entries; without its confirmation nothing here is trusted (DESIGN 5).
 */
import { BoundedCache, type Cached } from '../shared/bounded-cache.ts'
import type { ChangeFeed, Instant, SessionId, SessionRecord } from '../store/store.ts'
import type { Verdict } from './session.ts'
import type { ChangeStats } from './stats.ts'
import type { ParsedToken } from './token.ts'

/** What the fast path reads stands first, and in few objects: of many sessions none is in the processor's cache. */
export interface Remembered extends Cached {
  credential: string
  /** The same frozen object for every check until something changes. */
  readonly verdict: Verdict & { readonly status: 'live' }
  /** First instant at which the answer may be another or activity is to be recorded. */
  readonly reviewAt: Instant
  /** Address and browser that the record was last checked for; of no meaning unless `compared`. */
  readonly ip: string | undefined
  userAgent: string | undefined
  /** Whether there was a client to compare. */
  readonly compared: boolean
  readonly record: SessionRecord
  /** First instant at which the record must be read again: a limit, a decay. */
  readonly validUntil: Instant
  /** Whether the credential is the current one, not one that a step-up replaced a moment ago. */
  readonly current: boolean
  /** When the credential itself ends, whatever the session does; infinite for one that lives as long. */
  readonly until: Instant
  /**
   * What the credential says, its tag proven: the same text under the same keys is as authentic again, so that asking
   * the store anew need not prove it anew. Null for a JWT, whose times speak of this very moment.
   */
  readonly authentic: ParsedToken | null
}

const keyLength = 8

/** As a number: a text of these characters would be made and hashed anew at each check, a tenth of what a check in a server costs. */
function keyOf(credential: string): number {
  let key = 0
  for (let at = Math.max(credential.length - keyLength, 0); at < credential.length; at += 1) {
    key = (Math.imul(key, 31) + credential.charCodeAt(at)) | 0
  }
  return key
}

/** A slice of a header keeps the whole header in memory, 8 KiB of a client's choosing. */
const copyOf = (credential: string): string => Buffer.from(credential).toString()

const mostAgents = 1000
const longestAgent = 512

/** One copy of each browser's name, however many sessions it has: smaller, and already at hand when it is compared. */
class Agents {
  readonly #known: Map<string, string> = new Map()

  same(agent: string | undefined): string | undefined {
    if (agent === undefined || agent.length > longestAgent) return agent
    const known = this.#known.get(agent)
    if (known !== undefined) return known
    if (this.#known.size >= mostAgents) this.#known.clear()
    this.#known.set(agent, agent)
    return agent
  }
}

export class VerifiedCache {
  readonly #entries: BoundedCache<number, Remembered>
  /** Keys of the entries by session, so that one change drops them all. */
  readonly #keys: Map<SessionId, number[]> = new Map()
  #changes = 0
  readonly #agents: Agents = new Agents()

  /** `capacity` 0 remembers nothing. */
  constructor(capacity: number) {
    this.#entries = new BoundedCache(capacity)
  }

  get capacity(): number {
    return this.#entries.capacity
  }

  /** Untyped callers hand in anything; what is no text is not found. */
  find(credential: unknown): Remembered | undefined {
    if (typeof credential !== 'string') return undefined
    const entry = this.#entries.get(keyOf(credential))
    return entry?.credential === credential ? entry : undefined
  }

  /** Puts copies of its own in place of the entry's credential and browser. */
  put(entry: Remembered): void {
    if (this.capacity === 0) return
    const key = keyOf(entry.credential)
    const held = this.#entries.get(key)
    // Two credentials with one key: the lists of keys could not tell them apart when one is to be dropped.
    if (held !== undefined && held.credential !== entry.credential) return
    entry.credential = held?.credential ?? copyOf(entry.credential)
    entry.userAgent =
      held !== undefined && held.userAgent === entry.userAgent ? held.userAgent : this.#agents.same(entry.userAgent)
    if (held === undefined) this.#file(key, entry.record.id)
    const gone = this.#entries.set(key, entry)
    if (gone !== undefined) this.#unfile(keyOf(gone.credential), gone.record.id)
  }

  #file(key: number, id: SessionId): void {
    const siblings = this.#keys.get(id)
    if (siblings === undefined) this.#keys.set(id, [key])
    else siblings.push(key)
  }

  #unfile(key: number, id: SessionId): void {
    const siblings = this.#keys.get(id) ?? []
    if (siblings.length > 1) siblings.splice(siblings.indexOf(key), 1)
    else this.#keys.delete(id)
  }

  /** Counts drops: a record read before one of them must not be put after it. */
  get changes(): number {
    return this.#changes
  }

  /** The record of what it dropped, if there was anything of this session. */
  drop(id: SessionId): SessionRecord | undefined {
    this.#changes += 1
    const keys = this.#keys.get(id)
    if (keys === undefined) return undefined
    let record: SessionRecord | undefined
    for (const key of keys) {
      record ??= this.#entries.get(key)?.record
      this.#entries.delete(key)
    }
    this.#keys.delete(id)
    return record
  }

  clear(): void {
    this.#changes += 1
    this.#entries.clear()
    this.#keys.clear()
  }

  get size(): number {
    return this.#entries.size
  }
}

/** Whether what this node remembers may be trusted: the store's change feed said so, recently enough. */
export class Confirmation {
  readonly #feed: ChangeFeed | undefined
  readonly #every: number
  readonly #maxAge: number
  readonly #maxStaleness: number
  #at: Instant | undefined
  #stopped = false
  /** The latest time that was asked about, and what is added to wall time so that none comes before it. */
  #latest: Instant = Number.NEGATIVE_INFINITY
  #ahead = 0
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
  holds(wall: Instant): boolean {
    if (this.#feed === undefined || this.#stopped) return false
    const now = this.#forward(wall)
    if (this.#at !== undefined && now - this.#at < this.#every) return true
    this.#at = undefined
    try {
      if (this.#feed.confirm(now, this.#maxAge)) this.#at = now
    } catch {
      // A store that cannot say so is a store not to be remembered; the check itself will report the fault.
    }
    this.#note(wall)
    return this.#at !== undefined
  }

  /**
   * Wall time that never goes back. A clock that is set back makes whatever was confirmed before look younger than it is, and one
   * that is set back again and again would keep it young for ever: all of it counts as older than the bound.
   */
  #forward(wall: Instant): Instant {
    const now = wall + this.#ahead
    if (now >= this.#latest) {
      this.#latest = now
      return now
    }
    this.#latest += this.#maxStaleness + 1
    this.#ahead = this.#latest - wall
    return this.#latest
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
