/** The session methods as SQL: every race is settled by one statement or one write transaction. */

import { sessionIdPattern } from '../shared/session-id.ts'
import type { ChangeListeners } from './changes.ts'
import { DecodedRecords, rowAnswers } from './decoded-records.ts'
import type { Connection, Query, Row } from './sqlite-connection.ts'
import { decode, encode, selected } from './sqlite-record.ts'
import { SqliteSweeper } from './sqlite-sweep.ts'
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
  WhenFull,
} from './store.ts'

/** Neither revoked nor put out with everyone. */
const open = 'revoked_at IS NULL AND epoch >= (SELECT epoch FROM holdfast_epoch)'

const sql = {
  get: `SELECT ${selected} FROM holdfast_sessions s, holdfast_epoch e WHERE s.id = ?1`,
  insert: `INSERT INTO holdfast_sessions
    (id, subject, created_at, seen_at, idle_expires_at, absolute_expires_at, revoked_at, reason, revision, epoch, last_ip, data)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, (SELECT epoch FROM holdfast_epoch), ?9, ?10)`,
  // Named, because the planner prefers the index of lists for its order, and would walk through all that has ended.
  live: `SELECT id FROM holdfast_sessions INDEXED BY holdfast_sessions_open
    WHERE subject = ?1 AND ${open} AND min(idle_expires_at, absolute_expires_at) > ?2 AND id <> ?3`,
  exists: 'SELECT 1 FROM holdfast_sessions WHERE id = ?1',
  data: 'SELECT data FROM holdfast_sessions WHERE id = ?1 AND revision = ?2',
  replace: `UPDATE holdfast_sessions SET
      last_ip = CASE WHEN seen_at > ?3 THEN last_ip ELSE ?6 END,
      seen_at = max(seen_at, ?3),
      idle_expires_at = max(idle_expires_at, ?4),
      absolute_expires_at = ?5,
      revision = revision + 1,
      data = ?7
    WHERE id = ?1 AND revision = ?2 AND ${open}`,
  touch: `UPDATE holdfast_sessions SET
      last_ip = CASE WHEN seen_at < ?2 THEN ?4 ELSE last_ip END,
      seen_at = max(seen_at, ?2),
      idle_expires_at = max(idle_expires_at, ?3)
    WHERE id = ?1 AND (seen_at < ?2 OR idle_expires_at < ?3) AND ${open}`,
  revoke: `UPDATE holdfast_sessions SET revoked_at = ?2, reason = ?3 WHERE id = ?1 AND ${open} RETURNING id`,
  replaced: `UPDATE holdfast_sessions SET revoked_at = ?3, reason = 'replaced'
    WHERE id = ?1 AND subject = ?2 AND ${open} RETURNING id`,
  revokeSubject: `UPDATE holdfast_sessions SET revoked_at = ?2, reason = ?3
    WHERE subject = ?1 AND id <> ?4 AND ${open} RETURNING id`,
  everyone: 'UPDATE holdfast_epoch SET epoch = epoch + 1, at = ?1, reason = ?2',
} as const

const evictionOrder: { readonly [Policy in Exclude<WhenFull, 'refuse'>]: string } = {
  'evict-oldest': 'created_at, id',
  'evict-idle': 'seen_at, created_at, id',
}

type Statements = { readonly [Name in keyof typeof sql]: Query }

export class SqliteSessions implements SessionStore {
  readonly #connection: Connection
  readonly #listeners: ChangeListeners
  readonly #statements: Statements
  readonly #get: Query
  readonly #decoded: DecodedRecords<Row> = new DecodedRecords<Row>(rowAnswers)
  readonly #sweeper: SqliteSweeper
  readonly #built: Map<string, Query> = new Map()

  constructor(connection: Connection, listeners: ChangeListeners) {
    this.#connection = connection
    this.#listeners = listeners
    this.#sweeper = new SqliteSweeper(connection)
    const entries = Object.entries(sql).map(([name, text]) => [name, connection.prepare(text)])
    this.#statements = Object.fromEntries(entries) as Statements
    this.#get = this.#statements.get
  }

  insert(record: SessionRecord, cap?: SessionCap): Insertion {
    if (!sessionIdPattern.test(record.id)) throw new TypeError('a session id is 24 base64url characters')
    if (cap === undefined) {
      this.#connection.relaxed(() => this.#add(record))
      return { inserted: true, evicted: [] }
    }
    const { inserted, evicted, replaced } = this.#connection.transaction(() => this.#addWithin(record, cap))
    this.#listeners.tell([...evicted, ...replaced])
    return { inserted, evicted }
  }

  get(id: SessionId): SessionRecord | undefined {
    const row = this.#get.find(id)
    return row === undefined ? undefined : this.#decoded.of(id, row, decode)
  }

  replace(next: SessionRecord, revision: number): boolean {
    // What is read here can change only together with the revision, which the update checks again.
    const before = this.#statements.data.get(next.id, revision)
    if (before === undefined) return false
    const { id, seenAt, idleExpiresAt, absoluteExpiresAt, lastIp } = next
    const data = encode(next, String(before[0]))
    const changed = this.#statements.replace.run(id, revision, seenAt, idleExpiresAt, absoluteExpiresAt, lastIp, data)
    if (changed === 1) this.#listeners.tell([id])
    return changed === 1
  }

  touch(sightings: readonly Sighting[]): void {
    if (sightings.length === 0) return
    this.#connection.relaxed(() =>
      this.#connection.transaction(() => {
        for (const { id, seenAt, idleExpiresAt, ip } of sightings) this.#statements.touch.run(id, seenAt, idleExpiresAt, ip)
      }),
    )
  }

  list({ subject, liveAt, after, limit }: ListQuery): SessionPage {
    const conditions = ['TRUE']
    const values: (string | number)[] = []
    if (subject === null) conditions.push('s.subject IS NULL')
    else if (subject !== undefined) {
      conditions.push('s.subject = ?')
      values.push(subject)
    }
    if (liveAt !== undefined) {
      conditions.push('s.revoked_at IS NULL AND s.epoch >= e.epoch AND min(s.idle_expires_at, s.absolute_expires_at) > ?')
      values.push(liveAt)
    }
    if (after !== undefined) {
      conditions.push('(s.created_at, s.id) < (?, ?)')
      values.push(after.createdAt, after.id)
    }
    const text = `SELECT ${selected}, s.id FROM holdfast_sessions s, holdfast_epoch e
      WHERE ${conditions.join(' AND ')} ORDER BY s.created_at DESC, s.id DESC LIMIT ?`
    const found = this.#query(text).all(...values, limit + 1)
    const items = found.slice(0, limit).map((row) => decode(row, String(row[11])))
    const last = items.at(-1)
    return found.length > limit && last !== undefined ? { items, next: { createdAt: last.createdAt, id: last.id } } : { items }
  }

  /** Written with `synchronous` at FULL: on the disk when it returns. */
  revoke(target: RevokeTarget, { at, reason }: Revocation): Revoked {
    if ('everyone' in target) {
      this.#statements.everyone.run(at, reason)
      this.#listeners.tell(undefined)
      return { ids: [], durable: true }
    }
    const rows =
      'id' in target
        ? this.#statements.revoke.all(target.id, at, reason)
        : this.#statements.revokeSubject.all(target.subject, at, reason, target.except ?? '')
    const ids = rows.map((row) => String(row[0]))
    this.#listeners.tell(ids)
    return { ids, durable: true }
  }

  sweep(query: SweepQuery): number {
    const swept = this.#sweeper.sweep(query)
    this.#listeners.tell(swept)
    return swept.length
  }

  #addWithin(record: SessionRecord, cap: SessionCap): Insertion & { readonly replaced: readonly SessionId[] } {
    if (this.#statements.exists.get(record.id) !== undefined) throw new Error('a session with this id exists')
    const surplus = record.subject === null ? [] : this.#surplus(record.subject, cap)
    if (surplus.length > 0 && cap.whenFull === 'refuse') return { inserted: false, evicted: [], replaced: [] }
    const replaced = this.#statements.replaced.all(cap.replaces ?? '', record.subject, cap.now).map((row) => String(row[0]))
    for (const id of surplus) this.#statements.revoke.all(id, cap.now, 'evicted')
    this.#add(record)
    return { inserted: true, evicted: surplus, replaced }
  }

  /** Live sessions beyond what leaves room for one more, those to evict first. */
  #surplus(subject: string, { max, now, whenFull, replaces }: SessionCap): SessionId[] {
    const order = evictionOrder[whenFull === 'refuse' ? 'evict-oldest' : whenFull]
    const live = this.#query(`${sql.live} ORDER BY ${order}`).all(subject, now, replaces ?? '')
    return live.slice(0, Math.max(0, live.length + 1 - max)).map((row) => String(row[0]))
  }

  #add(record: SessionRecord): void {
    const { id, subject, createdAt, seenAt, idleExpiresAt, absoluteExpiresAt, revokedAt, reason, lastIp } = record
    const times = [createdAt, seenAt, idleExpiresAt, absoluteExpiresAt] as const
    this.#statements.insert.run(id, subject, ...times, revokedAt, reason, lastIp, encode(record))
  }

  #query(text: string): Query {
    const known = this.#built.get(text)
    if (known !== undefined) return known
    const built = this.#connection.prepare(text)
    this.#built.set(text, built)
    return built
  }
}
