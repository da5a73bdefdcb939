/** Why a PostgreSQL database that answers cannot be used. */
import type pg from 'pg'
import { type PostgresBackend, placeOf } from '../config/backend.ts'

const oldest = 15

interface Facts {
  readonly number: number
  readonly version: string
  readonly encoding: string
  readonly standby: boolean
  readonly readonly: boolean
}

export async function serverProblems(pool: pg.Pool, backend: PostgresBackend): Promise<readonly string[]> {
  const { rows } = await pool.query<Facts>(`SELECT current_setting('server_version_num')::integer AS number,
    current_setting('server_version') AS version, current_setting('server_encoding') AS encoding,
    pg_is_in_recovery() AS standby, current_setting('transaction_read_only') = 'on' AS readonly`)
  const [facts] = rows
  if (facts === undefined) return []
  const found: readonly (readonly [broken: boolean, message: string])[] = [
    [facts.number < oldest * 10_000, `PostgreSQL ${facts.version} is too old: ${oldest} or newer is needed`],
    [facts.encoding !== 'UTF8', `the database is in ${facts.encoding}: it must be UTF8`],
    [facts.standby, 'is a standby: name the primary'],
    [facts.readonly && !facts.standby, 'takes no writes (default_transaction_read_only is on)'],
  ]
  return found.flatMap(([broken, message]) => (broken ? [`${placeOf(backend)}: ${message}`] : []))
}

export interface SchemaState {
  readonly what: 'sessions' | 'accounts'
  readonly found: number
  readonly known: number
}

export async function schemaProblems(
  pool: pg.Pool,
  backend: PostgresBackend,
  { what, found, known }: SchemaState,
): Promise<readonly string[]> {
  const place = placeOf(backend)
  if (found > known) {
    return [`${place} holds ${what} of schema version ${found}, made by a newer version; this one knows up to ${known}`]
  }
  return found === known || (await mayCreate(pool, backend.schema))
    ? []
    : [`${place}: this user may not make tables in the schema ${backend.schema}: grant CREATE on it`]
}

/** Since PostgreSQL 15 only the owner of a database may make tables in `public`. */
async function mayCreate(pool: pg.Pool, schema: string): Promise<boolean> {
  const { rows } = await pool.query<{ may: boolean }>(
    `SELECT CASE WHEN to_regnamespace($1) IS NULL THEN has_database_privilege(current_database(), 'CREATE')
      ELSE has_schema_privilege(to_regnamespace($1), 'CREATE') END AS may`,
    [schema],
  )
  return rows[0]?.may === true
}
