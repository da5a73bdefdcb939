/** The denylist in SQLite. A denial is on the disk when `put` returns. */
import type { Denial, Denylist } from './denylist.ts'
import type { Connection, Query } from './sqlite-connection.ts'
import type { Instant } from './store.ts'

export class SqliteDenylist implements Denylist {
  readonly #connection: Connection
  readonly #put: Query
  readonly #find: Query
  readonly #sweep: Query

  constructor(connection: Connection) {
    this.#connection = connection
    // `max` of two values is null when one of them is: null, "whatever their age", stays.
    this.#put = connection.prepare(`INSERT INTO holdfast_denials VALUES (?1, ?2, ?3)
      ON CONFLICT (key) DO UPDATE SET before = max(before, ?2), expires_at = max(expires_at, ?3)`)
    this.#find = connection.prepare(`SELECT key, before, expires_at FROM holdfast_denials
      WHERE key IN (SELECT value FROM json_each(?1)) AND expires_at > ?2`)
    this.#sweep = connection.prepare(`DELETE FROM holdfast_denials
      WHERE key IN (SELECT key FROM holdfast_denials WHERE expires_at <= ?1 LIMIT ?2)`)
  }

  put({ key, before, expiresAt }: Denial): { readonly durable: boolean } {
    this.#put.run(key, before, expiresAt)
    return { durable: true }
  }

  find(keys: readonly string[], now: Instant): readonly Denial[] {
    return this.#find.all(JSON.stringify(keys), now).map(([key, before, expiresAt]) => ({
      key: String(key),
      before: before === null ? null : Number(before),
      expiresAt: Number(expiresAt),
    }))
  }

  sweep(now: Instant, limit: number): number {
    return this.#connection.relaxed(() => this.#sweep.run(now, limit))
  }
}
