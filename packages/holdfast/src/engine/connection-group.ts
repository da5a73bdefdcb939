/** The connections of one session, and when that session is to be looked up. */
import type { RevocationReason } from '../shared/codes.ts'
import type { Awaitable, Instant, SessionId, SessionRecord, Sighting } from '../store/store.ts'
import type { ConnectionEnd, LiveConnection } from './api.ts'
import type { Confirmation } from './cache.ts'
import type { Clock } from './clock.ts'
import type { FaultLogger } from './events.ts'
import type { RevocableRecord } from './pending.ts'
import { isSuperseded } from './record.ts'
import { type Opening, openingBy } from './session.ts'

/** What of a record says how long its session lives, and what its activity is written as. */
export type Lifetime = Pick<SessionRecord, 'id' | 'seenAt' | 'idleTimeout' | 'idleExpiresAt' | 'absoluteExpiresAt' | 'lastIp'>

/** The connections of one session, and what this node knows of that session. */
export interface Group<M> {
  readonly session: RevocableRecord
  readonly members: Set<M>
  lifetime: Lifetime
  /** When the store last said that the session lives. */
  checkedAt: Instant
  /** First of the looks at the store that have failed since; undefined when the latest did not. */
  failingSince: Instant | undefined
  /** Changed, by what the feed tells, and not looked at since: counts the changes, 0 for none. */
  changes: number
  /** As `changes`, of those that may be of any session: how many had been told when the store was last asked. */
  changesOfAll: number
}

export type Close = (end: ConnectionEnd) => void

/** Who keeps the groups. */
interface Owner {
  check(group: Group<Attached>, connection: Attached): Awaitable<boolean>
  note(group: Group<Attached>): void
  detach(group: Group<Attached>, connection: Attached): void
}

export class Attached implements LiveConnection {
  readonly #owner: Owner
  readonly #group: Group<Attached>
  readonly close: Close
  opening: Opening | undefined

  constructor(owner: Owner, group: Group<Attached>, opening: Opening | undefined, close: Close) {
    this.#owner = owner
    this.#group = group
    this.opening = opening
    this.close = close
  }

  check(): Awaitable<boolean> {
    return this.#owner.check(this.#group, this)
  }

  note(): void {
    if (this.#group.members.has(this)) this.#owner.note(this.#group)
  }

  detach(): void {
    this.#owner.detach(this.#group, this)
  }
}

export interface ConnectionsOptions {
  readonly clock: Clock
  readonly confirmation: Confirmation
  /** The record as the store has it, with activity that is not written yet. */
  readonly load: (id: SessionId) => Promise<SessionRecord | undefined>
  /** A revocation that the store could not record yet. */
  readonly reasonFor: (record: RevocableRecord) => RevocationReason | undefined
  readonly onExpired: (record: SessionRecord) => void
  readonly onActivity: (sighting: Sighting) => void
  readonly onFault: FaultLogger
  /** How often the change feed and the limits are looked at while anything is attached, in ms. */
  readonly every: number
  /** How often the sessions are looked up while the feed cannot confirm, in ms. */
  readonly unconfirmedEvery: number
  /** How long a connection outlives the last word of its session being live, in ms. */
  readonly grace: number
}

/** Every session is looked up this often whatever the feed says: a lost event must not keep a connection open for ever. */
const longestUnchecked = 60_000

export function endAt({ idleExpiresAt, absoluteExpiresAt }: Lifetime): Instant {
  return Math.min(idleExpiresAt, absoluteExpiresAt)
}

export function dueOf({ lifetime, checkedAt, failingSince }: Group<unknown>): Instant {
  if (failingSince !== undefined) return Number.NEGATIVE_INFINITY
  return Math.min(endAt(lifetime), checkedAt + longestUnchecked)
}

export function lifetimeOf({ id, seenAt, idleTimeout, idleExpiresAt, absoluteExpiresAt, lastIp }: SessionRecord): Lifetime {
  return { id, seenAt, idleTimeout, idleExpiresAt, absoluteExpiresAt, lastIp }
}

export function newGroup<M>(session: RevocableRecord, lifetime: Lifetime, now: Instant, changesOfAll: number): Group<M> {
  return { session, members: new Set(), lifetime, checkedAt: now, failingSince: undefined, changes: 0, changesOfAll }
}

export interface Opened {
  /** Undefined until the store is asked for the first time, for a session that nobody here checked. */
  opening: Opening | undefined
}

/** Whether what opened it is dead by this record, which may be older than what is known already: answers overtake each other. */
export function isSupersededBy(member: Opened, record: SessionRecord): boolean {
  const { opening } = member
  if (opening !== undefined && record.revision < opening.revision) return false
  if (opening !== undefined && isSuperseded(opening.opener, record)) return true
  member.opening = openingBy(record)
  return false
}

/** To a clock that was set back, how long ago a session was last vouched for is not known: each has its time anew, and no more. */
export function dateBack(groups: Iterable<Group<unknown>>, now: Instant): void {
  for (const group of groups) {
    group.checkedAt = Math.min(group.checkedAt, now)
    if (group.failingSince !== undefined) group.failingSince = Math.min(group.failingSince, now)
  }
}
