import type { Awaitable, Instant, SessionId, SessionRecord } from '../store/store.ts'
import type { ConnectionEnd, LiveConnection } from './api.ts'
import {
  Attached,
  type Close,
  type ConnectionsOptions,
  dateBack,
  dueOf,
  endAt,
  type Group as GroupOf,
  isSupersededBy,
  type Lifetime,
  lifetimeOf,
  newGroup,
} from './connection-group.ts'
import { runHook } from './hook.ts'
import type { RevocableRecord } from './pending.ts'
import { endOf, sightingOf, touchInterval } from './record.ts'
import type { Opening } from './session.ts'
import { inTurns } from './turns.ts'

type Group = GroupOf<Attached>

export class Connections {
  readonly #options: ConnectionsOptions
  readonly #groups: Map<SessionId, Group> = new Map()
  #count = 0
  #cancelTimer: (() => void) | undefined
  /** No session is due before it. */
  #nextDue: Instant = Number.POSITIVE_INFINITY
  /** When the change feed last confirmed, and when all were last looked up for want of that. */
  #confirmedAt: Instant = Number.NEGATIVE_INFINITY
  #lookedUpAt: Instant = Number.NEGATIVE_INFINITY
  #roundAt: Instant = Number.NEGATIVE_INFINITY
  /** Counts words of the feed that any may have changed: on Redis everyone-out is one from each of 4096 shards. */
  #changesOfAll = 0
  #walk: 'none' | 'under way' | 'again' = 'none'
  #isClosed = false

  constructor(options: ConnectionsOptions) {
    this.#options = options
  }

  attach(session: RevocableRecord, lifetime: Lifetime, opening: Opening | undefined, close: Close): LiveConnection {
    const { id } = session
    const group: Group = this.#groups.get(id) ?? newGroup(session, lifetime, this.#options.clock.now(), this.#changesOfAll)
    const connection = new Attached(this, group, opening, close)
    if (this.#isClosed) {
      this.#close(connection, { cause: 'closing' })
      return connection
    }
    group.members.add(connection)
    this.#count += 1
    this.#groups.set(id, group)
    this.#dueAt(dueOf(group))
    this.#arm()
    // The session may have ended between its check and this call, or its secret been replaced, before anything was here to be told.
    group.changes += 1
    void this.#lookUp(id)
    return connection
  }

  detach(group: Group, connection: Attached): void {
    if (!group.members.delete(connection)) return
    this.#count -= 1
    if (group.members.size === 0) this.#groups.delete(group.session.id)
    if (this.#groups.size === 0) this.#disarm()
  }

  /** Whether a connection may still be served: at once by what this node knows, else by a look at the store. */
  check(group: Group, connection: Attached): Awaitable<boolean> {
    if (!group.members.has(connection)) return false
    const now = this.#options.clock.now()
    // Asking the feed may tell of a change of this very session, or find it ended.
    const isConfirmed = this.#options.confirmation.holds(now)
    if (!group.members.has(connection)) return false
    if (isConfirmed && group.changes === 0 && group.changesOfAll === this.#changesOfAll && now < endAt(group.lifetime))
      return true
    return this.#lookUp(group.session.id).then((isKnown) => isKnown && group.members.has(connection))
  }

  /** Counts activity of a live session; written at most once per interval, like that of requests. */
  note(group: Group): void {
    const now = this.#options.clock.now()
    const { lifetime } = group
    // What has ended is not moved: the next look says whether it has.
    if (now >= endAt(lifetime) || now < lifetime.seenAt + touchInterval(lifetime)) return
    const sighting = sightingOf(lifetime, now, null)
    group.lifetime = { ...lifetime, seenAt: sighting.seenAt, idleExpiresAt: sighting.idleExpiresAt }
    this.#options.onActivity(sighting)
  }

  /** Closes every connection of a session, once. */
  end(id: SessionId, end: ConnectionEnd): void {
    const group = this.#groups.get(id)
    if (group === undefined) return
    this.#groups.delete(id)
    this.#count -= group.members.size
    if (this.#groups.size === 0) this.#disarm()
    const members = [...group.members]
    group.members.clear()
    for (const member of members) this.#close(member, end)
  }

  /** Closes what a revocation names that the store could not record, without asking that store. */
  endUnrecorded(): void {
    for (const [id, { session }] of this.#groups) {
      const reason = this.#options.reasonFor(session)
      if (reason !== undefined) this.end(id, { cause: 'revoked', reason })
    }
  }

  /** None is served any more from now on; closing them takes some turns, and ten thousand at once would hold up everything. */
  async endAll(end: ConnectionEnd): Promise<void> {
    const groups = [...this.#groups.values()]
    const all = groups.flatMap(({ members }) => [...members])
    for (const { members } of groups) members.clear()
    this.#groups.clear()
    this.#count = 0
    this.#disarm()
    await inTurns(all, (member) => this.#close(member, end))
  }

  /** Closes what is attached, and from now on whatever would be. */
  close(): Promise<void> {
    this.#isClosed = true
    return this.endAll({ cause: 'closing' })
  }

  /** Looks sessions up again after a change: these, or all that are attached. */
  recheck(ids?: Iterable<SessionId>): void {
    if (ids === undefined) {
      this.#changesOfAll += 1
      void this.#lookUpAll()
      return
    }
    const attached: SessionId[] = []
    for (const id of ids) {
      const group = this.#groups.get(id)
      if (group === undefined) continue
      group.changes += 1
      attached.push(id)
    }
    // One that hangs holds up no other.
    void inTurns(attached, (id) => void this.#lookUp(id))
  }

  get count(): number {
    return this.#count
  }

  #close({ close }: Attached, end: ConnectionEnd): void {
    runHook(() => close(end), this.#options.onFault, 'closing a live connection')
  }

  /** All, a batch at a time and never twice at once: a change told meanwhile has them all looked up once more. */
  async #lookUpAll(): Promise<void> {
    if (this.#walk !== 'none') {
      this.#walk = 'again'
      return
    }
    do {
      this.#walk = 'under way'
      await inTurns([...this.#groups.keys()], (id) => this.#lookUp(id))
      // Told meanwhile, which the type of the field does not know.
    } while ((this.#walk as string) === 'again')
    this.#walk = 'none'
  }

  /** Resolves to whether the store could tell; the connections of a session that has ended are closed then. */
  async #lookUp(id: SessionId): Promise<boolean> {
    const group = this.#groups.get(id)
    if (group === undefined) return true
    const [changes, changesOfAll] = [group.changes, this.#changesOfAll]
    let record: SessionRecord | undefined
    try {
      record = await this.#options.load(id)
    } catch (fault) {
      this.#cannotTell(group, fault)
      return false
    }
    if (this.#groups.get(id) !== group) return true
    this.#judge(group, record)
    // A change told since is of a later record than this one.
    if (group.changes === changes) group.changes = 0
    group.changesOfAll = changesOfAll
    return true
  }

  #judge(group: Group, record: SessionRecord | undefined): void {
    const { id } = group.session
    const now = this.#options.clock.now()
    if (record === undefined) {
      this.end(id, { cause: 'expired' })
      return
    }
    const revoked = record.reason ?? this.#options.reasonFor(record)
    if (revoked != null) this.end(id, { cause: 'revoked', reason: revoked })
    else if (endOf(record, now) === undefined) {
      this.#endSuperseded(group, record)
      group.lifetime = lifetimeOf(record)
      group.checkedAt = now
      group.failingSince = undefined
      this.#dueAt(dueOf(group))
    } else {
      this.#options.onExpired(record)
      this.end(id, { cause: 'expired' })
    }
  }

  /** Whoever copied the old secret must not go on over what was opened with it; the owner opens anew with the new one. */
  #endSuperseded(group: Group, record: SessionRecord): void {
    for (const member of [...group.members].filter((each) => isSupersededBy(each, record))) {
      this.detach(group, member)
      this.#close(member, { cause: 'superseded' })
    }
  }

  /** "Cannot tell" ends nothing at once: it is asked again, and closed only when the grace has passed. */
  #cannotTell(group: Group, fault: unknown): void {
    const now = this.#options.clock.now()
    this.#options.onFault(fault, 'checking the session of a live connection')
    group.failingSince ??= now
    if (now - group.failingSince >= this.#options.grace) this.end(group.session.id, { cause: 'unknown' })
    else this.#dueAt(now)
  }

  #dueAt(instant: Instant): void {
    if (instant < this.#nextDue) this.#nextDue = instant
  }

  #arm(): void {
    this.#cancelTimer ??= this.#options.clock.after(this.#options.every, () => {
      this.#cancelTimer = undefined
      this.#round()
      if (this.#groups.size > 0) this.#arm()
    })
  }

  #disarm(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#nextDue = Number.POSITIVE_INFINITY
  }

  #round(): void {
    const now = this.#options.clock.now()
    if (now < this.#roundAt) this.#dateBack(now)
    this.#roundAt = now
    // Asking the feed tells its listeners of what changed elsewhere; without a feed every session is looked up.
    if (this.#options.confirmation.holds(now)) {
      this.#confirmedAt = now
      if (now >= this.#nextDue) this.#lookUpDue(now)
      return
    }
    this.#endUnheardOf(now)
    if (now - this.#lookedUpAt < this.#options.unconfirmedEvery) return
    this.#lookedUpAt = now
    if (this.#walk === 'none') void this.#lookUpAll()
  }

  #dateBack(now: Instant): void {
    this.#confirmedAt = Math.min(this.#confirmedAt, now)
    this.#lookedUpAt = Number.NEGATIVE_INFINITY
    this.#nextDue = now
    dateBack(this.#groups.values(), now)
  }

  #lookUpDue(now: Instant): void {
    this.#nextDue = Number.POSITIVE_INFINITY
    const all: SessionId[] = []
    for (const [id, group] of this.#groups) {
      const due = dueOf(group)
      if (now >= due) all.push(id)
      else this.#dueAt(due)
    }
    void inTurns(all, (id) => void this.#lookUp(id))
  }

  /** Neither the feed nor a look at the store has vouched for these within the grace. */
  #endUnheardOf(now: Instant): void {
    for (const [id, { checkedAt }] of this.#groups) {
      if (now - Math.max(checkedAt, this.#confirmedAt) >= this.#options.grace) this.end(id, { cause: 'unknown' })
    }
  }
}
