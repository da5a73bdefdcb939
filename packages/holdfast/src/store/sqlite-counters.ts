/** Counters in SQLite. They outlive a restart; a power failure may cost the latest counts. */
import type { Count, CounterStore } from './counters.ts'
import { step, type Window } from './counting.ts'
import type { Connection, Query } from './sqlite-connection.ts'
import type { Instant } from './store.ts'

export class SqliteCounters implements CounterStore {
  readonly #connection: Connection
  readonly #read: Query
  readonly #write: Query
  readonly #reset: Query
  readonly #list: Query
  readonly #sweep: Query

  constructor(connection: Connection) {
    this.#connection = connection
    this.#read = connection.prepare('SELECT count, resets_at FROM holdfast_counters WHERE key = ?1')
    this.#write = connection.prepare(`INSERT INTO holdfast_counters VALUES (?1, ?2, ?3)
      ON CONFLICT (key) DO UPDATE SET count = ?2, resets_at = ?3`)
    this.#reset = connection.prepare('DELETE FROM holdfast_counters WHERE key = ?1')
    this.#list = connection.prepare('SELECT key, count, resets_at FROM holdfast_counters WHERE key >= ?1 ORDER BY key')
    this.#sweep = connection.prepare(`DELETE FROM holdfast_counters
      WHERE key IN (SELECT key FROM holdfast_counters WHERE resets_at <= ?1 LIMIT ?2)`)
  }

  add(key: string, amount: number, window: Window): Count {
    return this.#connection.relaxed(() =>
      this.#connection.transaction(() => {
        const { stored, answer } = step(this.#find(key), amount, window)
        this.#write.run(key, stored.count, stored.resetsAt)
        return answer
      }),
    )
  }

  read(key: string, now: Instant): Count | undefined {
    const found = this.#find(key)
    return found !== undefined && found.resetsAt > now ? found : undefined
  }

  reset(key: string): boolean {
    return this.#reset.run(key) === 1
  }

  list(prefix: string, now: Instant, limit: number): readonly (Count & { readonly key: string })[] {
    const found: (Count & { readonly key: string })[] = []
    for (const [key, count, resetsAt] of this.#list.iterate(prefix)) {
      if (found.length >= limit || !String(key).startsWith(prefix)) break
      if (Number(resetsAt) > now) found.push({ key: String(key), count: Number(count), resetsAt: Number(resetsAt) })
    }
    return found
  }

  sweep(now: Instant, limit: number): number {
    return this.#connection.relaxed(() => this.#sweep.run(now, limit))
  }

  #find(key: string): Count | undefined {
    const row = this.#read.get(key)
    return row === undefined ? undefined : { count: Number(row[0]), resetsAt: Number(row[1]) }
  }
}
