/** One-time tickets in SQLite: each operation is one statement, hence has one winner among all processes. */
import type { Connection, Query } from './sqlite-connection.ts'
import type { Instant, JsonValue } from './store.ts'
import type { Ticket, TicketStore } from './tickets.ts'

export class SqliteTickets implements TicketStore {
  readonly #connection: Connection
  readonly #put: Query
  readonly #take: Query
  readonly #sweep: Query

  constructor(connection: Connection) {
    this.#connection = connection
    this.#put = connection.prepare('INSERT INTO holdfast_tickets VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING')
    this.#take = connection.prepare('DELETE FROM holdfast_tickets WHERE id = ?1 RETURNING expires_at, data')
    this.#sweep = connection.prepare(`DELETE FROM holdfast_tickets
      WHERE id IN (SELECT id FROM holdfast_tickets WHERE expires_at <= ?1 LIMIT ?2)`)
  }

  put({ id, expiresAt, data }: Ticket): boolean {
    return this.#put.run(id, expiresAt, JSON.stringify(data)) === 1
  }

  take(id: string, now: Instant): Ticket | undefined {
    const row = this.#take.get(id)
    if (row === undefined) return undefined
    const expiresAt = Number(row[0])
    return expiresAt > now ? { id, expiresAt, data: JSON.parse(String(row[1])) as JsonValue } : undefined
  }

  sweep(now: Instant, limit: number): number {
    return this.#connection.relaxed(() => this.#sweep.run(now, limit))
  }
}
