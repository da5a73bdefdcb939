/** Statements on a pool: named, bounded in number and in time. */
import { plainFault } from './postgres-errors.ts'
import { type PostgresPool, type PostgresValue, queryOf, type Row, rowsWithin } from './postgres-pool.ts'

export interface DatabaseOptions {
  readonly schema: string
  readonly timeout: number
  readonly prepare: boolean
  /** Statements that run or wait for a connection. */
  readonly mostPending: number
  /** Told how each of them ended. */
  readonly server?: { answered(): void; lost(): void } | undefined
}

export class Database {
  readonly #pool: PostgresPool
  readonly #options: DatabaseOptions
  #pending = 0

  constructor(pool: PostgresPool, options: DatabaseOptions) {
    this.#pool = pool
    this.#options = options
  }

  /** `name` stands for `text` on every connection: one name, one text. */
  async run(name: string, text: string, values: readonly PostgresValue[]): Promise<readonly Row[]> {
    const { schema, timeout, prepare, mostPending, server } = this.#options
    // The pool's own queue has no bound: a server that hangs must not fill this process.
    if (this.#pending >= mostPending) throw new Error(`more than ${mostPending} statements wait for the database`)
    this.#pending += 1
    try {
      const query = queryOf(text, values, undefined, prepare ? `${schema}.${name}` : undefined)
      const rows = await rowsWithin(this.#pool, query, timeout)
      server?.answered()
      return rows
    } catch (fault) {
      server?.lost()
      throw plainFault(fault)
    } finally {
      this.#pending -= 1
    }
  }
}
