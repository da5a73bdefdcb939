/** One connection: statements, transactions and how safely they are written. */
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite'
import { positional } from './sqlite-parameters.ts'

export type Value = SQLOutputValue
export type Row = readonly Value[]

export class Query {
  readonly #statement: StatementSync
  readonly #asArrays: boolean
  readonly #order: readonly number[] | null

  constructor(statement: StatementSync, order: readonly number[] | null) {
    this.#statement = statement
    this.#order = order
    // Rows as arrays are a quarter faster to read; Node 22 has had them since 22.16 only.
    this.#asArrays = typeof statement.setReturnArrays === 'function'
    if (this.#asArrays) statement.setReturnArrays(true)
  }

  /** `get` for one value, without the cost of a list of them: the path of every check. */
  find(value: string): Row | undefined {
    const row: object | undefined = this.#statement.get(value)
    if (row === undefined || this.#asArrays) return row as Row | undefined
    return Object.values(row) as Row
  }

  get(...values: SQLInputValue[]): Row | undefined {
    const row = this.#statement.get(...this.#arranged(values))
    return row === undefined ? undefined : this.#rowOf(row)
  }

  all(...values: SQLInputValue[]): Row[] {
    return this.#statement.all(...this.#arranged(values)).map((row) => this.#rowOf(row))
  }

  *iterate(...values: SQLInputValue[]): Generator<Row, undefined> {
    for (const row of this.#statement.iterate(...this.#arranged(values))) yield this.#rowOf(row)
  }

  /** Returns how many rows it changed. */
  run(...values: SQLInputValue[]): number {
    return Number(this.#statement.run(...this.#arranged(values)).changes)
  }

  #arranged(values: SQLInputValue[]): SQLInputValue[] {
    return this.#order === null ? values : this.#order.map((at) => values[at] ?? null)
  }

  #rowOf(row: object): Row {
    return this.#asArrays ? (row as Row) : (Object.values(row) as Row)
  }
}

export class Connection {
  readonly #database: DatabaseSync
  readonly #begin: Query
  readonly #commit: Query
  #closed = false

  /** Expects a database whose `synchronous` is FULL: what is not said to be relaxed is on disk when it returns. */
  constructor(database: DatabaseSync) {
    this.#database = database
    this.#begin = this.prepare('BEGIN IMMEDIATE')
    this.#commit = this.prepare('COMMIT')
  }

  /** Parameters are `?`, or `?1`, `?2` … throughout. */
  prepare(sql: string): Query {
    const { sql: text, order } = positional(sql)
    return new Query(this.#database.prepare(text), order)
  }

  /**
   * Runs `work` in one write transaction. It takes the write lock at once: a transaction that reads first and
   * writes later would fail, not wait, when another process writes in between.
   */
  transaction<T>(work: () => T): T {
    this.#begin.run()
    try {
      const result = work()
      this.#commit.run()
      return result
    } catch (fault) {
      this.#rollBack()
      throw fault
    }
  }

  /**
   * Lets what `work` commits wait in the system's cache: a crash of this process loses nothing, a power failure
   * may lose the latest commits, and never part of one.
   */
  relaxed<T>(work: () => T): T {
    this.#database.exec('PRAGMA synchronous = NORMAL')
    try {
      return work()
    } finally {
      this.#database.exec('PRAGMA synchronous = FULL')
    }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#database.close()
  }

  #rollBack(): void {
    try {
      this.#database.exec('ROLLBACK')
    } catch {
      // A full disk or an I/O error has ended the transaction already; the first fault is the one to tell.
    }
  }
}
