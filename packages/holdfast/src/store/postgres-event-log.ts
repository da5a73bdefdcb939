/**
 * The event log in PostgreSQL. Appends of all nodes take turns, so that sequences have no gaps and readers see them
 * in order; so that the turns are short, a commit does not wait for the disk, and a crash of the server may cost the
 * latest events, never one in the middle.
 */
import type { ChainedEvent, EventLog, EventQuery, StoredEvent } from './event-log.ts'
import type { Database } from './postgres-database.ts'
import type { Row } from './postgres-pool.ts'
import type { Names } from './postgres-schema.ts'
import { fromColumn, toColumn } from './postgres-text.ts'
import type { Instant, JsonValue } from './store.ts'

export class PostgresEventLog implements EventLog {
  readonly #database: Database
  readonly #sql: { readonly [Name in 'append' | 'last' | 'read' | 'readKind' | 'sweep']: string }

  constructor(database: Database, { events, eventsHead }: Names) {
    this.#database = database
    const selected = `SELECT sequence, at, kind, data, hash, previous FROM ${events}`
    const read = `${selected} WHERE sequence > $1`
    this.#sql = {
      append: `WITH head AS (
          UPDATE ${eventsHead} SET last = last + cardinality($1::bigint[])
          WHERE last = $6 AND set_config('synchronous_commit', 'off', true) = 'off' RETURNING last
        ), added AS (
          INSERT INTO ${events} (sequence, at, kind, data, hash, previous)
          SELECT head.last - cardinality($1::bigint[]) + g.place, g.at, g.kind, g.data, g.hash, g.previous
          FROM head, unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[])
            WITH ORDINALITY AS g(at, kind, data, hash, previous, place)
        ) SELECT last FROM head`,
      last: `${selected} ORDER BY sequence DESC LIMIT 1`,
      read: `${read} ORDER BY sequence LIMIT $2`,
      readKind: `${read} AND kind = $3 ORDER BY sequence LIMIT $2`,
      // No row is skipped: what another node is deleting may come back, and a gap before it would stay.
      sweep: `WITH oldest AS (SELECT sequence, at FROM ${events}
          WHERE sequence < (SELECT last FROM ${eventsHead}) ORDER BY sequence LIMIT $2)
        DELETE FROM ${events} WHERE sequence IN (SELECT sequence FROM oldest)
          AND sequence < coalesce((SELECT min(sequence) FROM oldest WHERE at >= $1), ${Number.MAX_SAFE_INTEGER}) RETURNING 1`,
    }
  }

  async append(events: readonly ChainedEvent[], after: number): Promise<boolean> {
    if (!Number.isSafeInteger(after)) return false
    const columns = [
      events.map(({ at }) => at),
      events.map(({ kind }) => toColumn(kind)),
      events.map(({ data }) => JSON.stringify(data)),
      events.map(({ hash }) => toColumn(hash)),
      events.map(({ previous }) => toColumn(previous)),
      after,
    ]
    return (await this.#database.run('event_append', this.#sql.append, columns)).length === 1
  }

  async last(): Promise<StoredEvent | undefined> {
    const [row] = await this.#database.run('event_last', this.#sql.last, [])
    return row === undefined ? undefined : eventOf(row)
  }

  async read({ after = 0, kind, limit }: EventQuery): Promise<readonly StoredEvent[]> {
    const rows =
      kind === undefined
        ? await this.#database.run('event_read', this.#sql.read, [after, limit])
        : await this.#database.run('event_read_kind', this.#sql.readKind, [after, limit, toColumn(kind)])
    return rows.map(eventOf)
  }

  async sweep(before: Instant, limit: number): Promise<number> {
    return (await this.#database.run('event_sweep', this.#sql.sweep, [before, limit])).length
  }
}

function eventOf([sequence, at, kind, data, hash, previous]: Row): StoredEvent {
  const parsed = JSON.parse(String(data)) as { [key: string]: JsonValue }
  return {
    sequence: Number(sequence),
    at: Number(at),
    kind: fromColumn(String(kind)),
    data: parsed,
    hash: fromColumn(String(hash)),
    previous: fromColumn(String(previous)),
  }
}
