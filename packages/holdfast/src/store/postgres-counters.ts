/**
 * Counters in PostgreSQL, each step one upsert. A commit does not wait for the disk: a count survives a crash of a
 * node, and a crash of the server may cost those of its last moment (three times `wal_writer_delay`).
 */
import type { Count, CounterStore } from './counters.ts'
import type { Window } from './counting.ts'
import type { Database } from './postgres-database.ts'
import type { Row } from './postgres-pool.ts'
import type { Names } from './postgres-schema.ts'
import { fromColumn, toColumn } from './postgres-text.ts'
import type { Instant } from './store.ts'

type NamedCount = Count & { readonly key: string }

export class PostgresCounters implements CounterStore {
  readonly #database: Database
  readonly #sql: { readonly [Name in 'add' | 'read' | 'reset' | 'list' | 'sweep']: string }

  constructor(database: Database, { counters, onPrimary }: Names) {
    this.#database = database
    const running = 'CASE WHEN c.resets_at > $3 THEN c.count ELSE 0 END'
    this.#sql = {
      add: `INSERT INTO ${counters} AS c (key, count, total, resets_at)
        SELECT $1, least($2::bigint, $5::bigint), $2::bigint, $3::bigint + $4::bigint
        WHERE set_config('synchronous_commit', 'off', true) = 'off'
        ON CONFLICT (key) DO UPDATE SET
          count = least(${running} + $2, $5), total = ${running} + $2,
          resets_at = CASE WHEN c.resets_at > $3 THEN c.resets_at ELSE $3 + $4 END
        RETURNING total, resets_at`,
      read: `SELECT count, resets_at FROM ${counters} WHERE key = $1 AND resets_at > $2 AND ${onPrimary}()`,
      reset: `DELETE FROM ${counters} WHERE key = $1 RETURNING 1`,
      list: `SELECT count, resets_at, key FROM ${counters}
        WHERE key >= $1 AND starts_with(key, $1) AND resets_at > $2 AND ${onPrimary}() ORDER BY key LIMIT $3`,
      sweep: `DELETE FROM ${counters} WHERE key = any(ARRAY(SELECT key FROM ${counters} WHERE resets_at <= $1
        LIMIT $2 FOR UPDATE SKIP LOCKED)) AND resets_at <= $1 RETURNING 1`,
    }
  }

  async add(key: string, amount: number, { now, windowMs, atMost }: Window): Promise<Count> {
    const values = [toColumn(key), amount, now, windowMs, atMost ?? null]
    const [row] = await this.#database.run('counter_add', this.#sql.add, values)
    if (row === undefined) throw new Error('a counter was not counted')
    const { count, resetsAt } = countOf(row)
    return { count: atMost === undefined ? count : Math.min(count, atMost + 1), resetsAt }
  }

  async read(key: string, now: Instant): Promise<Count | undefined> {
    const [row] = await this.#database.run('counter_read', this.#sql.read, [toColumn(key), now])
    return row === undefined ? undefined : countOf(row)
  }

  async reset(key: string): Promise<boolean> {
    return (await this.#database.run('counter_reset', this.#sql.reset, [toColumn(key)])).length === 1
  }

  async list(prefix: string, now: Instant, limit: number): Promise<readonly NamedCount[]> {
    const rows = await this.#database.run('counter_list', this.#sql.list, [toColumn(prefix), now, limit])
    return rows.map((row) => ({ key: fromColumn(String(row[2])), ...countOf(row) }))
  }

  async sweep(now: Instant, limit: number): Promise<number> {
    return (await this.#database.run('counter_sweep', this.#sql.sweep, [now, limit])).length
  }
}

function countOf([count, resetsAt]: Row): Count {
  return { count: Number(count), resetsAt: Number(resetsAt) }
}
