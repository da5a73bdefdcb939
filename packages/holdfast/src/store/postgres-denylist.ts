/**
 * The denylist in PostgreSQL: each denial is one upsert, as safe when it returns as a revocation is. This node holds on to
 * its latest ones and asserts them again on another server.
 */
import type { Denial, Denylist } from './denylist.ts'
import type { Database } from './postgres-database.ts'
import type { Names } from './postgres-schema.ts'
import { durableFor } from './postgres-sql.ts'
import { fromColumn, toColumn } from './postgres-text.ts'
import { RecentDenials } from './recent-denials.ts'
import type { Instant } from './store.ts'

export class PostgresDenylist implements Denylist {
  readonly #database: Database
  readonly #recent: RecentDenials = new RecentDenials()
  readonly #sql: { readonly put: string; readonly find: string; readonly sweep: string }

  constructor(database: Database, { denials, onPrimary }: Names, expectsStandby: boolean) {
    this.#database = database
    this.#sql = {
      // `greatest` passes over nulls, and null is the greatest here: "whatever their age".
      put: `INSERT INTO ${denials} AS d (key, before, expires_at) VALUES ($1, $2, $3)
        ON CONFLICT (key) DO UPDATE SET
          before = CASE WHEN d.before IS NOT NULL AND excluded.before IS NOT NULL THEN greatest(d.before, excluded.before) END,
          expires_at = greatest(d.expires_at, excluded.expires_at)
        RETURNING ${durableFor(expectsStandby)}`,
      find: `SELECT key, before, expires_at FROM ${denials}
        WHERE key = any($1::text[]) AND expires_at > $2 AND ${onPrimary}()`,
      sweep: `DELETE FROM ${denials} WHERE key = any(ARRAY(SELECT key FROM ${denials} WHERE expires_at <= $1
        LIMIT $2 FOR UPDATE SKIP LOCKED)) AND expires_at <= $1 RETURNING 1`,
    }
  }

  put(denial: Denial): Promise<{ readonly durable: boolean }> {
    this.#recent.add(denial)
    return this.#write(denial)
  }

  async find(keys: readonly string[], now: Instant): Promise<readonly Denial[]> {
    const rows = await this.#database.run('denial_find', this.#sql.find, [keys.map(toColumn), now])
    const found = rows.map(([key, before, expiresAt]) => ({
      key: fromColumn(String(key)),
      before: before == null ? null : Number(before),
      expiresAt: Number(expiresAt),
    }))
    return this.#recent.overlay(keys, found).filter(({ expiresAt }) => expiresAt > now)
  }

  assertAgain(): Promise<void> {
    return this.#recent.assertAgain((denial) => this.#write(denial))
  }

  async sweep(now: Instant, limit: number): Promise<number> {
    this.#recent.forgetEnded(now)
    return (await this.#database.run('denial_sweep', this.#sql.sweep, [now, limit])).length
  }

  async #write({ key, before, expiresAt }: Denial): Promise<{ readonly durable: boolean }> {
    const [row] = await this.#database.run('denial_put', this.#sql.put, [toColumn(key), before, expiresAt])
    return { durable: row?.[0] === 't' }
  }
}
