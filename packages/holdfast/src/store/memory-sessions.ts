/** The session methods on the memory table. Everything happens between two turns of the event loop, hence atomically. */
import { ChangeListeners } from './changes.ts'
import { Endings } from './memory-endings.ts'
import { IdIndex } from './memory-index.ts'
import { RowOrder } from './memory-order.ts'
import { Records } from './memory-records.ts'
import { noRow, number, type Rows, word } from './memory-rows.ts'
import type {
  ChangeFeed,
  Cursor,
  Insertion,
  Instant,
  ListQuery,
  Revocation,
  Revoked,
  RevokeTarget,
  SessionCap,
  SessionId,
  SessionPage,
  SessionRecord,
  SessionStore,
  Sighting,
  SweepQuery,
} from './store.ts'

const byAge = {
  'evict-oldest': (rows: Rows) => (a: number, b: number) => rows.compare(a, b),
  'evict-idle': (rows: Rows) => (a: number, b: number) =>
    rows.number(a, number.seenAt) - rows.number(b, number.seenAt) || rows.compare(a, b),
}

export class MemorySessions implements SessionStore {
  readonly #maxSessions: number
  readonly #records: Records = new Records()
  readonly #rows: Rows = this.#records.rows
  readonly #index: IdIndex = new IdIndex(this.#rows)
  readonly #orders: { readonly anonymous: RowOrder; readonly signedIn: RowOrder } = {
    anonymous: new RowOrder(this.#rows),
    signedIn: new RowOrder(this.#rows),
  }
  readonly #endings: { readonly anonymous: Endings; readonly signedIn: Endings } = {
    anonymous: new Endings(this.#rows, (row) => this.#endOf(row)),
    signedIn: new Endings(this.#rows, (row) => this.#endOf(row)),
  }
  readonly #listeners: ChangeListeners = new ChangeListeners()
  #epoch = 0
  /** The latest everyone-out, and whether the queues of endings know of it. */
  #everyoneOut: Revocation | undefined
  #unsettled = false

  readonly changes: ChangeFeed = {
    subscribe: (listener) => this.#listeners.subscribe(listener),
    confirm: () => true,
  }

  constructor(maxSessions: number) {
    this.#maxSessions = maxSessions
  }

  insert(record: SessionRecord, cap?: SessionCap): Insertion {
    if (!this.#rows.setId(noRow, record.id)) throw new TypeError('a session id is 24 base64url characters')
    if (this.#index.find(record.id) !== noRow) throw new Error('a session with this id exists')
    const replaced = this.#replacedBy(record, cap)
    const surplus = this.#surplus(record, cap, replaced)
    if (surplus === undefined) return { inserted: false, evicted: [] }
    const now = cap?.now ?? record.createdAt
    const full = this.#rows.used >= this.#maxSessions
    if (full && replaced === noRow && surplus.length === 0 && this.#leastNeeded(now) === noRow) {
      throw new Error(`the memory store is full: ${this.#maxSessions} sessions, none of which may go`)
    }
    const changed: SessionId[] = []
    if (replaced !== noRow) changed.push(this.#revoke(replaced, { at: now, reason: 'replaced' }))
    const evicted = surplus.map((row) => this.#revoke(row, { at: now, reason: 'evicted' }))
    if (full) this.#makeRoom(now, evicted, changed)
    const row = this.#records.create(record, this.#epoch)
    this.#index.add(row)
    this.#of(row, this.#orders).add(row)
    this.#of(row, this.#endings).add(row)
    this.#listeners.tell([...new Set([...changed, ...evicted])])
    return { inserted: true, evicted }
  }

  get(id: SessionId): SessionRecord | undefined {
    const row = this.#index.find(id)
    return row === noRow ? undefined : this.#asItCounts(row, this.#records.shared(row, id))
  }

  replace(next: SessionRecord, revision: number): boolean {
    const row = this.#index.find(next.id)
    if (row === noRow || this.#isRevoked(row) || this.#rows.word(row, word.revision) !== revision) return false
    this.#records.update(row, next)
    this.#of(row, this.#endings).update(row)
    this.#listeners.tell([next.id])
    return true
  }

  touch(sightings: readonly Sighting[]): void {
    for (const sighting of sightings) {
      const row = this.#index.find(sighting.id)
      if (row !== noRow && !this.#isRevoked(row)) this.#records.touch(row, sighting)
    }
  }

  list(query: ListQuery): SessionPage {
    const items: SessionRecord[] = []
    let last: Cursor | undefined
    for (const row of this.#newestFirst(query)) {
      if (query.liveAt !== undefined && !this.#isLive(row, query.liveAt)) continue
      if (items.length === query.limit) return last === undefined ? { items } : { items, next: last }
      const record = this.#asItCounts(row, this.#records.read(row, this.#rows.id(row)))
      items.push(record)
      last = { createdAt: record.createdAt, id: record.id }
    }
    return { items }
  }

  /** Memory outlives nothing, so nothing is durable. */
  revoke(target: RevokeTarget, revocation: Revocation): Revoked {
    if ('everyone' in target) {
      this.#epoch += 1
      this.#everyoneOut = revocation
      this.#unsettled = true
      this.#listeners.tell(undefined)
      return { ids: [], durable: false }
    }
    const ids = this.#open(target).map((row) => this.#revoke(row, revocation))
    this.#listeners.tell(ids)
    return { ids, durable: false }
  }

  sweep({ endedBefore, anonymousEndedBefore, limit }: SweepQuery): number {
    this.#settleEveryoneOut()
    const swept: SessionId[] = []
    const queues = [
      [this.#endings.anonymous, anonymousEndedBefore],
      [this.#endings.signedIn, endedBefore],
    ] as const
    for (const [queue, until] of queues) {
      for (let row = noRow; swept.length < limit; swept.push(this.#delete(row))) {
        row = queue.first(until)
        if (row === noRow) break
      }
    }
    this.#listeners.tell(swept)
    return swept.length
  }

  #of<T>(row: number, both: { readonly anonymous: T; readonly signedIn: T }): T {
    return this.#rows.word(row, word.subject) === 0 ? both.anonymous : both.signedIn
  }

  #isOut(row: number): boolean {
    return this.#rows.word(row, word.epoch) < this.#epoch
  }

  #isRevoked(row: number): boolean {
    return this.#records.isMarked(row) || this.#isOut(row)
  }

  #isLive(row: number, at: Instant): boolean {
    if (this.#isRevoked(row)) return false
    return this.#rows.number(row, number.idleExpiresAt) > at && this.#rows.number(row, number.absoluteExpiresAt) > at
  }

  #endOf(row: number): Instant {
    const expires = Math.min(this.#rows.number(row, number.idleExpiresAt), this.#rows.number(row, number.absoluteExpiresAt))
    if (this.#records.isMarked(row)) return Math.min(expires, this.#rows.number(row, number.revokedAt))
    return this.#isOut(row) && this.#everyoneOut !== undefined ? Math.min(expires, this.#everyoneOut.at) : expires
  }

  /** Everyone-out ends sessions without a change of their rows. */
  #asItCounts(row: number, record: SessionRecord): SessionRecord {
    if (!this.#isOut(row) || record.revokedAt !== null || this.#everyoneOut === undefined) return record
    return { ...record, revokedAt: this.#everyoneOut.at, reason: this.#everyoneOut.reason }
  }

  #revoke(row: number, revocation: Revocation): SessionId {
    this.#records.revoke(row, revocation)
    this.#of(row, this.#endings).update(row)
    return this.#rows.id(row)
  }

  #delete(row: number): SessionId {
    const id = this.#rows.id(row)
    this.#index.remove(row)
    this.#of(row, this.#orders).remove(row)
    this.#of(row, this.#endings).remove(row)
    this.#records.remove(row)
    return id
  }

  /** Rows that the target names and that are not revoked. */
  #open(target: Exclude<RevokeTarget, { readonly everyone: true }>): number[] {
    if ('id' in target) {
      const row = this.#index.find(target.id)
      return row === noRow || this.#isRevoked(row) ? [] : [row]
    }
    const except = target.except === undefined ? noRow : this.#index.find(target.except)
    return this.#records.subjects.open(target.subject, (row) => row !== except && !this.#isRevoked(row))
  }

  #replacedBy(record: SessionRecord, cap: SessionCap | undefined): number {
    if (cap?.replaces === undefined || record.subject === null) return noRow
    const row = this.#index.find(cap.replaces)
    const own = row !== noRow && this.#records.subjects.name(row) === record.subject
    return own && !this.#isRevoked(row) ? row : noRow
  }

  /** Rows to evict so that the cap holds; `undefined` when the insertion is refused. */
  #surplus(record: SessionRecord, cap: SessionCap | undefined, replaced: number): number[] | undefined {
    if (cap === undefined || record.subject === null) return []
    const live = this.#records.subjects.open(record.subject, (row) => row !== replaced && this.#isLive(row, cap.now))
    const surplus = live.length + 1 - cap.max
    if (surplus <= 0) return []
    if (cap.whenFull === 'refuse') return undefined
    return live.sort(byAge[cap.whenFull](this.#rows)).slice(0, surplus)
  }

  /** The row that a full store can best do without: what has ended, else the oldest anonymous, else `noRow`. */
  #leastNeeded(now: Instant): number {
    this.#settleEveryoneOut()
    return this.#endings.anonymous.first(now) || this.#endings.signedIn.first(now) || this.#orders.anonymous.oldest()
  }

  #makeRoom(now: Instant, evicted: SessionId[], changed: SessionId[]): void {
    const row = this.#leastNeeded(now)
    const wasLive = this.#isLive(row, now)
    const id = this.#delete(row)
    if (wasLive) evicted.push(id)
    else changed.push(id)
  }

  /** Everyone-out is one step; the first sweep after it puts the queues in order, once for all the rows it ended. */
  #settleEveryoneOut(): void {
    if (!this.#unsettled) return
    this.#unsettled = false
    this.#endings.anonymous.rebuild()
    this.#endings.signedIn.rebuild()
  }

  #newestFirst({ subject, after }: ListQuery): Iterable<number> {
    if (after !== undefined) {
      this.#rows.setNumber(noRow, number.createdAt, after.createdAt)
      if (!this.#rows.setId(noRow, after.id)) throw new TypeError('a cursor names a session id')
    }
    const before = after === undefined ? undefined : noRow
    if (subject === null) return this.#orders.anonymous.descend(before)
    if (subject === undefined) return this.#merged(before)
    const own = this.#records.subjects.all(subject).sort((a, b) => this.#rows.compare(b, a))
    return before === undefined ? own : own.filter((row) => this.#rows.compare(row, before) < 0)
  }

  *#merged(before: number | undefined): Generator<number, undefined> {
    const anonymous = this.#orders.anonymous.descend(before)
    const signedIn = this.#orders.signedIn.descend(before)
    let left = anonymous.next().value ?? noRow
    let right = signedIn.next().value ?? noRow
    while (left !== noRow || right !== noRow) {
      if (right === noRow || (left !== noRow && this.#rows.compare(left, right) > 0)) {
        yield left
        left = anonymous.next().value ?? noRow
      } else {
        yield right
        right = signedIn.next().value ?? noRow
      }
    }
  }
}
