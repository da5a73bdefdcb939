/** What the store uses of a `pg` pool and of its clients, described by shape: any pool of that shape will do. */

export type PostgresValue = string | number | boolean | null | readonly (string | number | null)[]

export interface PostgresQuery {
  name?: string
  text: string
  values?: PostgresValue[]
  rowMode: 'array'
  /** Columns arrive as text: how the app has `pg` parse its own types must not reach the store. */
  types: { getTypeParser(): (value: string) => string }
  /** Read by `pg` (8.0 and later) from each query; in ms. */
  query_timeout: number
}

export interface PostgresAnswer {
  readonly rows: unknown[]
}

export interface PostgresPoolClient {
  query(query: PostgresQuery): Promise<PostgresAnswer>
  release(fault?: Error): void
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

export function queryOf(text: string, values: readonly PostgresValue[], timeout: number, name?: string): PostgresQuery {
  const query: PostgresQuery = { text, values: [...values], rowMode: 'array', types, query_timeout: timeout }
  return name === undefined ? query : { ...query, name }
}

export async function rowsOf(answer: Promise<PostgresAnswer>): Promise<readonly Row[]> {
  return (await answer).rows as Row[]
}
