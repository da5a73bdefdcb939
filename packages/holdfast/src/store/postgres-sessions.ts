/** The session methods on PostgreSQL: every race is settled by one statement, or under the lock of its subject. */

import { sessionIdPattern } from '../shared/session-id.ts'
import type { ChangeListeners } from './changes.ts'
import { DecodedRecords, rowAnswers } from './decoded-records.ts'
import { Batches, type BatchLimits } from './postgres-batches.ts'
import type { Database } from './postgres-database.ts'
import type { PostgresValue, Row } from './postgres-pool.ts'
import { pack } from './postgres-record.ts'
import { idOf, idsIn, latestOf, recordOf, rowValues } from './postgres-rows.ts'
import type { Names } from './postgres-schema.ts'
import { type ListShape, listSql, type SessionsSql, sessionsSql } from './postgres-sql.ts'
import { toColumn, toColumnOrNull } from './postgres-text.ts'
import type { RecentRevocations } from './recent-revocations.ts'
import type {
  Insertion,
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

interface Replacement {
  readonly next: SessionRecord
  readonly revision: number
}

interface OneRevocation extends Revocation {
  readonly id: SessionId
}

export interface SessionsOptions {
  readonly names: Names
  /** Where lookups are run. */
  readonly checks: Database
  readonly expectsStandby: boolean
  readonly recent: RecentRevocations
  readonly lookups: BatchLimits
  readonly writes: BatchLimits
}

const largestInteger = 2 ** 31 - 1
const asItIs = <A>(answer: A): A => answer

export class PostgresSessions implements SessionStore {
  readonly #database: Database
  readonly #checks: Database
  readonly #names: Names
  readonly #listeners: ChangeListeners
  readonly #sql: SessionsSql
  readonly #recent: RecentRevocations
  readonly #decoded: DecodedRecords<Row> = new DecodedRecords<Row>(rowAnswers)
  readonly #lookups: Batches<SessionId, Row | undefined, SessionRecord | undefined>
  readonly #replacements: Batches<Replacement, boolean>
  readonly #revocations: Batches<OneRevocation, Revoked>

  constructor(database: Database, listeners: ChangeListeners, options: SessionsOptions) {
    const { names, checks, expectsStandby, recent, lookups, writes } = options
    this.#recent = recent
    this.#database = database
    this.#checks = checks
    this.#names = names
    this.#listeners = listeners
    this.#sql = sessionsSql(names, expectsStandby)
    this.#lookups = new Batches(
      lookups,
      (ids) => this.#look(ids),
      (row, id) => row && recent.overlay(this.#decoded.of(id, row, recordOf)),
    )
    this.#replacements = new Batches(writes, (all) => this.#replaceAll(all), asItIs)
    this.#revocations = new Batches(writes, (all) => this.#revokeAll(all), asItIs)
  }

  async insert(record: SessionRecord, cap?: SessionCap): Promise<Insertion> {
    if (!sessionIdPattern.test(record.id)) throw new TypeError('a session id is 24 base64url characters')
    const values = rowValues(record)
    if (cap === undefined || record.subject === null) {
      await this.#database.run('insert', this.#sql.insert, values)
      return { inserted: true, evicted: [] }
    }
    const { max, now, whenFull, replaces = null } = cap
    // Beyond the column's type, which is how "no cap" is spelled: nobody has so many.
    const most = Math.min(max, largestInteger)
    const rows = await this.#database.run('insert_within', this.#sql.insertWithin, [...values, most, now, whenFull, replaces])
    const revoked = idsIn(rows[0]?.[1])
    const evicted = revoked.filter((id) => id !== replaces)
    this.#note(evicted, { at: now, reason: 'evicted' })
    if (replaces !== null && evicted.length < revoked.length) this.#note([replaces], { at: now, reason: 'replaced' })
    return { inserted: rows[0]?.[0] === 't', evicted }
  }

  get(id: SessionId): Promise<SessionRecord | undefined> {
    return sessionIdPattern.test(id) ? this.#lookups.ask(id) : Promise.resolve(undefined)
  }

  replace(next: SessionRecord, revision: number): Promise<boolean> {
    const isPossible = sessionIdPattern.test(next.id) && Number.isInteger(revision) && revision >= 0 && revision < largestInteger
    return isPossible ? this.#replacements.ask({ next, revision }) : Promise.resolve(false)
  }

  async touch(sightings: readonly Sighting[]): Promise<void> {
    const latest = latestOf(sightings)
    if (latest.length === 0) return
    const columns: PostgresValue[] = [
      latest.map(({ id }) => id),
      latest.map(({ seenAt }) => seenAt),
      latest.map(({ idleExpiresAt }) => idleExpiresAt),
      latest.map(({ ip }) => toColumnOrNull(ip)),
    ]
    await this.#database.run('touch', this.#sql.touch, columns)
  }

  async list({ subject, liveAt, after, limit }: ListQuery): Promise<SessionPage> {
    const shape: ListShape = {
      subject: subject === undefined ? 'any' : subject === null ? 'anonymous' : 'one',
      live: liveAt !== undefined,
      after: after !== undefined,
    }
    const values: PostgresValue[] = typeof subject === 'string' ? [toColumn(subject)] : []
    if (liveAt !== undefined) values.push(liveAt)
    if (after !== undefined) values.push(after.createdAt, after.id)
    const name = `list_${shape.subject}${shape.live ? '_live' : ''}${shape.after ? '_after' : ''}`
    const found = await this.#database.run(name, listSql(this.#names, shape), [...values, limit + 1])
    const items = found.slice(0, limit).map((row) => this.#recent.overlay(recordOf(row)))
    const last = items.at(-1)
    return found.length > limit && last !== undefined ? { items, next: { createdAt: last.createdAt, id: last.id } } : { items }
  }

  async revoke(target: RevokeTarget, revocation: Revocation): Promise<Revoked> {
    if ('id' in target) return this.revokeOne(target.id, revocation)
    const { at, reason } = revocation
    if ('everyone' in target) {
      const [row] = await this.#database.run('everyone', this.#sql.everyone, [at, reason])
      this.#recent.addEveryone(new Map([['', Number(row?.[0])]]), revocation)
      this.#listeners.tell(undefined)
      return { ids: [], durable: row?.[1] === 't' }
    }
    const values = [toColumn(target.subject), target.except ?? '', at, reason]
    const recorded = recordedIn(await this.#database.run('revoke_subject', this.#sql.revokeSubject, values))
    this.#note(recorded.ids, revocation)
    return recorded
  }

  async revokeOne(id: SessionId, revocation: Revocation): Promise<Revoked> {
    return sessionIdPattern.test(id) ? this.#revocations.ask({ id, ...revocation }) : { ids: [], durable: true }
  }

  /** Brings the epoch to at least what it had reached before. */
  async assertEveryone(epochs: ReadonlyMap<string, number>, { at, reason }: Revocation): Promise<void> {
    await this.#database.run('assert_everyone', this.#sql.assertEveryone, [epochs.get('') ?? 0, at, reason])
  }

  #note(ids: readonly SessionId[], revocation: Revocation): void {
    if (ids.length > 0) this.#recent.add(ids, revocation)
    this.#listeners.tell(ids)
  }

  async sweep({ endedBefore, anonymousEndedBefore, limit }: SweepQuery): Promise<number> {
    let swept = 0
    for (const [anonymous, until] of [
      [true, anonymousEndedBefore],
      [false, endedBefore],
    ] as const) {
      for (const name of ['sweepDue', 'sweepPutOut'] as const) {
        while (swept < limit) {
          const round = await this.#sweepSome(name, [anonymous, until], limit - swept)
          swept += round.deleted
          if (!round.more) break
        }
      }
    }
    return swept
  }

  /** Records whose end was put off since they were noted are noted anew: that is no deletion, and not counted. */
  async #sweepSome(
    name: 'sweepDue' | 'sweepPutOut',
    values: PostgresValue[],
    limit: number,
  ): Promise<{ deleted: number; more: boolean }> {
    const rows = await this.#database.run(name, this.#sql[name], [...values, limit])
    const ids = idsIn(rows[0]?.[0])
    this.#listeners.tell(ids)
    return { deleted: ids.length, more: ids.length + Number(rows[0]?.[1] ?? 0) === limit }
  }

  async #look(ids: readonly SessionId[]): Promise<readonly (Row | undefined)[]> {
    const found = new Map<SessionId, Row>()
    // Ids need no quoting in an array, and writing it here is half the cost of the driver's way.
    const rows = await this.#checks.run('get', this.#sql.get, [`{${ids.join(',')}}`])
    for (const row of rows) found.set(idOf(row), row)
    return ids.map((id) => found.get(id))
  }

  async #replaceAll(all: readonly Replacement[]): Promise<readonly boolean[]> {
    const firsts = new Map<SessionId, Replacement>()
    for (const each of all) if (!firsts.has(each.next.id)) firsts.set(each.next.id, each)
    const won = await this.#replaceSome([...firsts.values()])
    const rest = all.filter((each) => {
      const first = firsts.get(each.next.id)
      // At one revision there is one winner, and the first had the same chance.
      return first !== undefined && first !== each && first.revision !== each.revision
    })
    const later = rest.length === 0 ? [] : await this.#replaceAll(rest)
    return all.map((each) => {
      if (firsts.get(each.next.id) === each) return won.has(each.next.id)
      return later[rest.indexOf(each)] ?? false
    })
  }

  async #replaceSome(some: readonly Replacement[]): Promise<ReadonlySet<SessionId>> {
    const before = await this.#dataOf(some)
    // What was read can change only together with the revision, which the update checks again.
    const current = some.filter(({ next, revision }) => before.get(next.id)?.revision === revision)
    if (current.length === 0) return new Set()
    const columns: PostgresValue[] = [
      current.map(({ next }) => next.id),
      current.map(({ revision }) => revision),
      current.map(({ next }) => next.seenAt),
      current.map(({ next }) => next.idleExpiresAt),
      current.map(({ next }) => next.absoluteExpiresAt),
      current.map(({ next }) => toColumnOrNull(next.lastIp)),
      current.map(({ next }) => pack(next, before.get(next.id)?.data)),
    ]
    const { ids } = recordedIn(await this.#database.run('replace', this.#sql.replace, columns))
    this.#listeners.tell(ids)
    return new Set(ids)
  }

  async #dataOf(
    some: readonly Replacement[],
  ): Promise<ReadonlyMap<string, { readonly revision: number; readonly data: string }>> {
    const rows = await this.#database.run('data', this.#sql.data, [`{${some.map(({ next }) => next.id).join(',')}}`])
    return new Map(rows.map(([id, revision, data]) => [String(id), { revision: Number(revision), data: String(data) }]))
  }

  async #revokeAll(all: readonly OneRevocation[]): Promise<readonly Revoked[]> {
    const firsts = new Map<SessionId, OneRevocation>()
    for (const each of all) if (!firsts.has(each.id)) firsts.set(each.id, each)
    const once = [...firsts.values()]
    const columns = [once.map(({ id }) => id), once.map(({ at }) => at), once.map(({ reason }) => reason)]
    const { ids, durable } = recordedIn(await this.#database.run('revoke', this.#sql.revoke, columns))
    for (const id of ids) {
      const { at, reason } = firsts.get(id) ?? {}
      if (at !== undefined && reason !== undefined) this.#recent.add([id], { at, reason })
    }
    this.#listeners.tell(ids)
    const changed = new Set(ids)
    return all.map((each) => ({ ids: firsts.get(each.id) === each && changed.has(each.id) ? [each.id] : [], durable }))
  }
}

function recordedIn(rows: readonly Row[]): Revoked {
  return { ids: idsIn(rows[0]?.[0]), durable: rows[0]?.[1] === 't' }
}
