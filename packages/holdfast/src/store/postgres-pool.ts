/** What the store uses of a `pg` pool and of its clients, described by shape: any pool of that shape will do. */
import { after } from './patience.ts'

export type PostgresValue = string | number | boolean | null | readonly (string | number | null)[]

export interface PostgresQuery {
  name?: string
  text: string
  values?: PostgresValue[]
  rowMode: 'array'
  /** Columns arrive as text: how the app has `pg` parse its own types must not reach the store. */
  types: { getTypeParser(): (value: string) => string }
  /** Read by `pg` (8.0 and later) from each query; in ms. */
  query_timeout?: number
}

export interface PostgresAnswer {
  readonly rows: unknown[]
}

export interface PostgresPoolClient {
  query(query: PostgresQuery): Promise<PostgresAnswer>
  query(query: PostgresQuery, callback: (fault: Error | null | undefined, answer: PostgresAnswer) => void): void
  /** With a fault the connection is closed, whatever it is at. */
  release(fault?: Error): void
  on(event: 'error', listener: (fault: Error) => void): unknown
  off(event: 'error', listener: (fault: Error) => void): unknown
}

/** A connection of its own, outside the pool: `new pg.Client(…)`, not yet connected. */
export interface PostgresClient {
  connect(): Promise<unknown>
  query(query: PostgresQuery): Promise<PostgresAnswer>
  end(): Promise<void>
  on(event: 'notification', listener: (message: { channel: string; payload?: string | undefined }) => void): unknown
  on(event: 'error', listener: (fault: Error) => void): unknown
  on(event: 'end', listener: () => void): unknown
}

export interface PostgresPool {
  query(query: PostgresQuery): Promise<PostgresAnswer>
  connect(): Promise<PostgresPoolClient>
  on(event: 'error', listener: (fault: Error) => void): unknown
  off(event: 'error', listener: (fault: Error) => void): unknown
  readonly options?: { readonly max?: number | undefined; connectionTimeoutMillis?: number | undefined }
}

/** A row as it came over the wire: text, or null. */
export type Row = readonly (string | null)[]

const asText = (value: string): string => value
const types = { getTypeParser: (): ((value: string) => string) => asText }

export function queryOf(text: string, values: readonly PostgresValue[], timeout?: number, name?: string): PostgresQuery {
  const query: PostgresQuery = { text, values: [...values], rowMode: 'array', types }
  if (timeout !== undefined) query.query_timeout = timeout
  if (name !== undefined) query.name = name
  return query
}

export async function rowsOf(answer: Promise<PostgresAnswer>): Promise<readonly Row[]> {
  return (await answer).rows as Row[]
}

const ignore = (): void => undefined

/**
 * A connection that was just taken from the pool, which no longer listens to it. Who takes one has to: a fault of it that
 * nobody hears of ends the process. What runs on it fails as well.
 */
export function taken(client: PostgresPoolClient): PostgresPoolClient {
  client.on('error', ignore)
  return client
}

/** With a fault the connection is closed, whatever it is at. */
export function giveBack(client: PostgresPoolClient, fault?: Error): void {
  client.off('error', ignore)
  client.release(fault)
}

/**
 * The rows of one statement on a connection of the pool. One that takes longer than `timeout`, in ms, is a fault, and its
 * connection is closed, because nobody knows what it is at.
 *
 * With `query_timeout`, or with the promise of its client's `query`, what a query has read outlives it (`pg` 8.23, seen with
 * `--trace-gc`; not with a callback that is made here): it stayed until the whole heap was searched, and moving it there took a
 * fifth of a lookup.
 */
export async function rowsWithin(pool: PostgresPool, query: PostgresQuery, timeout: number): Promise<readonly Row[]> {
  const client = taken(await pool.connect())
  return new Promise((resolve, reject) => {
    let isOver = false
    const end = (fault: Error | null | undefined, answer?: PostgresAnswer): void => {
      if (isOver) return
      isOver = true
      cancel()
      giveBack(client, fault ?? undefined)
      if (answer === undefined) reject(fault)
      else resolve(answer.rows as Row[])
    }
    const late = `timeout: the database did not answer within ${timeout} ms`
    const cancel = after(timeout, () => end(new Error(late)))
    void client.query(query, end)
  })
}
