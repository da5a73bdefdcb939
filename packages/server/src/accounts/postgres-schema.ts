/** Tables of the accounts in PostgreSQL, with a version of their own: they may share a schema with the session store. */
import type pg from 'pg'
import { onConnection } from './postgres-connection.ts'
import { AccountsVersionError } from './version-error.ts'

export interface AccountTables {
  readonly accounts: string
  readonly names: string
  readonly cursors: string
  readonly version: string
  readonly onPrimary: string
  /** Named in the advisory lock that changes take. */
  readonly lock: string
}

/** `schema` needs no quoting: the configuration takes no other. */
export function tablesIn(schema: string): AccountTables {
  const named = (name: string) => `"${schema}".holdfast_${name}`
  return {
    accounts: named('accounts'),
    names: named('account_names'),
    cursors: named('event_cursors'),
    version: named('account_schema'),
    onPrimary: named('accounts_on_primary'),
    lock: `hashtextextended('holdfast_accounts_${schema}', 0)`,
  }
}

/** One entry per version, never edited once released: entry n leads from version n to n + 1. */
const migrations: readonly ((tables: AccountTables) => string)[] = [
  ({ accounts, names, onPrimary }) => `
    CREATE TABLE ${accounts} (
      id text COLLATE "C" PRIMARY KEY,
      username text NOT NULL,
      username_key text COLLATE "C" NOT NULL UNIQUE,
      email text,
      role text NOT NULL CHECK (role IN ('admin', 'user')),
      disabled boolean NOT NULL,
      created_at bigint NOT NULL,
      password_hash text NOT NULL,
      password_changed_at bigint NOT NULL,
      version integer NOT NULL
    );
    CREATE TABLE ${names} (
      name_key text COLLATE "C" PRIMARY KEY,
      account_id text COLLATE "C" NOT NULL REFERENCES ${accounts} (id) ON DELETE CASCADE
    );
    CREATE INDEX holdfast_account_names_account ON ${names} (account_id);
    CREATE FUNCTION ${onPrimary}() RETURNS boolean LANGUAGE plpgsql STABLE AS $$
    BEGIN
      IF pg_is_in_recovery() THEN
        RAISE EXCEPTION 'the server is a standby: an account may have been disabled since' USING ERRCODE = 'read_only_sql_transaction';
      END IF;
      RETURN true;
    END $$;`,
  ({ cursors }) => `
    CREATE TABLE ${cursors} (
      name text COLLATE "C" PRIMARY KEY,
      place bigint NOT NULL,
      holder text NOT NULL,
      held_until bigint NOT NULL
    );`,
]

export const postgresAccountsVersion: number = migrations.length

type Queryable = Pick<pg.Pool, 'query'>
const undefinedTable = '42P01'

/** Version of the accounts in this schema; 0 when it has none. */
export async function readPostgresVersion(database: Queryable, schema: string): Promise<number> {
  try {
    const { rows } = await database.query<{ version: number }>(`SELECT version FROM ${tablesIn(schema).version}`)
    return rows[0]?.version ?? 0
  } catch (fault) {
    if (fault instanceof Error && 'code' in fault && fault.code === undefinedTable) return 0
    throw fault
  }
}

function refuseNewer(found: number): void {
  if (found > postgresAccountsVersion) throw new AccountsVersionError(found, postgresAccountsVersion)
}

/** Brings the tables to this version; safe when many nodes start at once. */
export async function migratePostgresAccounts(pool: pg.Pool, schema: string): Promise<void> {
  // A role that may not change the schema can still start on one that is up to date.
  const found = await readPostgresVersion(pool, schema)
  refuseNewer(found)
  if (found === postgresAccountsVersion) return
  await onConnection(pool, (client) => upgrade(client, schema))
}

async function upgrade(client: pg.PoolClient, schema: string): Promise<void> {
  const tables = tablesIn(schema)
  await client.query(`BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(${tables.lock})`)
  const { rows } = await client.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema])
  if (rows.length === 0) await client.query(`CREATE SCHEMA IF NOT EXISTS "${schema}"`)
  await client.query(`CREATE TABLE IF NOT EXISTS ${tables.version} (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one), version integer NOT NULL)`)
  // Another node may have done it while this one waited for the lock.
  const start = await readPostgresVersion(client, schema)
  refuseNewer(start)
  for (const step of migrations.slice(start)) await client.query(step(tables))
  await client.query(`INSERT INTO ${tables.version} (version) VALUES (${postgresAccountsVersion})
    ON CONFLICT (only_one) DO UPDATE SET version = excluded.version`)
  await client.query('COMMIT')
}

/** Those that are enabled. */
export async function countAdministrators(database: Queryable, schema: string): Promise<number> {
  const { rows } = await database.query<{ count: string }>(
    `SELECT count(*) AS count FROM ${tablesIn(schema).accounts} WHERE role = 'admin' AND NOT disabled`,
  )
  return Number(rows[0]?.count)
}
