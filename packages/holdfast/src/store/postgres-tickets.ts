/** One-time tickets in PostgreSQL: each operation is one statement, hence has one winner among all nodes. */
import type { Database } from './postgres-database.ts'
import type { Names } from './postgres-schema.ts'
import { toColumn } from './postgres-text.ts'
import type { Instant, JsonValue } from './store.ts'
import type { Ticket, TicketStore } from './tickets.ts'

export class PostgresTickets implements TicketStore {
  readonly #database: Database
  readonly #sql: { readonly put: string; readonly take: string; readonly sweep: string }

  constructor(database: Database, { tickets }: Names) {
    this.#database = database
    this.#sql = {
      put: `INSERT INTO ${tickets} VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING 1`,
      // Who comes second waits for the first one's commit and then finds no row, under READ COMMITTED too.
      take: `DELETE FROM ${tickets} WHERE id = $1 RETURNING expires_at, data`,
      sweep: `DELETE FROM ${tickets} WHERE id = any(ARRAY(SELECT id FROM ${tickets} WHERE expires_at <= $1
        LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING 1`,
    }
  }

  async put({ id, expiresAt, data }: Ticket): Promise<boolean> {
    return (await this.#database.run('ticket_put', this.#sql.put, [toColumn(id), expiresAt, JSON.stringify(data)])).length === 1
  }

  async take(id: string, now: Instant): Promise<Ticket | undefined> {
    const [row] = await this.#database.run('ticket_take', this.#sql.take, [toColumn(id)])
    if (row === undefined) return undefined
    const expiresAt = Number(row[0])
    return expiresAt > now ? { id, expiresAt, data: JSON.parse(String(row[1])) as JsonValue } : undefined
  }

  async sweep(now: Instant, limit: number): Promise<number> {
    return (await this.#database.run('ticket_sweep', this.#sql.sweep, [now, limit])).length
  }
}
