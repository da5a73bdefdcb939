/** The event log in SQLite. */
import type { ChainedEvent, EventLog, EventQuery, StoredEvent } from './event-log.ts'
import type { Connection, Query, Row } from './sqlite-connection.ts'
import type { Instant, JsonValue } from './store.ts'

/** A statement has a cost of its own, as high as that of a row: rows that come together share it. */
const rowsAtOnce = 16

function insertSql(rows: number): string {
  const values = Array.from({ length: rows }, () => '(?, ?, ?, ?, ?)').join(', ')
  return `INSERT INTO holdfast_events (at, kind, data, hash, previous) VALUES ${values}`
}

function columnsOf({ at, kind, data, hash, previous }: ChainedEvent): (string | number)[] {
  return [at, kind, JSON.stringify(data), hash, previous]
}

export class SqliteEventLog implements EventLog {
  readonly #connection: Connection
  readonly #insert: Query
  readonly #insertMany: Query
  readonly #last: Query
  readonly #read: Query
  readonly #readKind: Query
  readonly #oldest: Query
  readonly #delete: Query

  constructor(connection: Connection) {
    this.#connection = connection
    this.#insert = connection.prepare(insertSql(1))
    this.#insertMany = connection.prepare(insertSql(rowsAtOnce))
    const columns = 'SELECT sequence, at, kind, data, hash, previous FROM holdfast_events'
    this.#last = connection.prepare(`${columns} ORDER BY sequence DESC LIMIT 1`)
    const read = `${columns} WHERE sequence > ?1`
    this.#read = connection.prepare(`${read} ORDER BY sequence LIMIT ?2`)
    this.#readKind = connection.prepare(`${read} AND kind = ?3 ORDER BY sequence LIMIT ?2`)
    this.#oldest = connection.prepare(`SELECT sequence, at FROM holdfast_events
      WHERE sequence < (SELECT max(sequence) FROM holdfast_events) ORDER BY sequence LIMIT ?1`)
    this.#delete = connection.prepare('DELETE FROM holdfast_events WHERE sequence <= ?1')
  }

  append(events: readonly ChainedEvent[], after: number): boolean {
    return this.#connection.relaxed(() =>
      this.#connection.transaction(() => {
        if (Number(this.#last.get()?.[0] ?? 0) !== after) return false
        const many = events.length - (events.length % rowsAtOnce)
        for (let from = 0; from < many; from += rowsAtOnce) {
          this.#insertMany.run(...events.slice(from, from + rowsAtOnce).flatMap(columnsOf))
        }
        for (const event of events.slice(many)) this.#insert.run(...columnsOf(event))
        return true
      }),
    )
  }

  last(): StoredEvent | undefined {
    const row = this.#last.get()
    return row === undefined ? undefined : eventOf(row)
  }

  read({ after = 0, kind, limit }: EventQuery): readonly StoredEvent[] {
    return (kind === undefined ? this.#read.all(after, limit) : this.#readKind.all(after, limit, kind)).map(eventOf)
  }

  sweep(before: Instant, limit: number): number {
    return this.#connection.relaxed(() =>
      this.#connection.transaction(() => {
        let last = 0
        for (const [sequence, at] of this.#oldest.all(limit)) {
          if (Number(at) >= before) break
          last = Number(sequence)
        }
        return this.#delete.run(last)
      }),
    )
  }
}

function eventOf([sequence, at, kind, data, hash, previous]: Row): StoredEvent {
  const parsed = JSON.parse(String(data)) as { [key: string]: JsonValue }
  return {
    sequence: Number(sequence),
    at: Number(at),
    kind: String(kind),
    data: parsed,
    hash: String(hash),
    previous: String(previous),
  }
}
