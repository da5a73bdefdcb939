/** Brings the schema up to date, however many nodes start at once. */
import { codeOf, openError, PostgresOpenError } from './postgres-errors.ts'
import {
  giveBack,
  type PostgresPool,
  type PostgresPoolClient,
  type PostgresValue,
  queryOf,
  type Row,
  rowsOf,
  taken,
} from './postgres-pool.ts'
import { expectedVersion, migrations, type Names } from './postgres-schema.ts'

/** The oldest server that is tested. */
const oldestServer = 150_000
/** A node may wait for another one's migration, and an index may take its time. */
const patience = 600_000

type Run = (text: string, values?: readonly PostgresValue[]) => Promise<readonly Row[]>

export async function migrate(pool: PostgresPool, names: Names, partitions: number): Promise<void> {
  let client: PostgresPoolClient | undefined
  try {
    client = taken(await pool.connect())
    const connected = client
    await upgrade((text, values = []) => rowsOf(connected.query(queryOf(text, values, patience))), names, partitions)
    giveBack(client)
  } catch (fault) {
    const error = openError(fault)
    // The connection may be in the middle of a transaction: closing it rolls back.
    if (client !== undefined) giveBack(client, error)
    throw error
  }
}

/** The version of the schema; 0 when there is none. Throws when a later release has written it. */
export async function versionOf(run: Run, names: Names): Promise<number> {
  try {
    return Number((await run(`SELECT version FROM ${names.version}`))[0]?.[0] ?? 0)
  } catch (fault) {
    if (codeOf(fault) === undefinedTable) return 0
    throw fault
  }
}

const undefinedTable = '42P01'

function refuseNewer(version: number): void {
  if (version <= expectedVersion) return
  const why = `its schema has version ${version}, and this release knows versions up to ${expectedVersion}`
  throw new PostgresOpenError('newer-version', why)
}

async function refuseUnfit(run: Run): Promise<void> {
  const text = `SELECT current_setting('server_version_num'), current_setting('server_version'),
    current_setting('server_encoding'), pg_is_in_recovery()`
  const [number, version, encoding, recovering] = (await run(text))[0] ?? []
  if (!(Number(number) >= oldestServer)) throw new PostgresOpenError('unfit', `the server is PostgreSQL ${version}, 15 is needed`)
  if (encoding !== 'UTF8') throw new PostgresOpenError('unfit', `the database is in ${encoding}, UTF8 is needed`)
  if (recovering === 't') throw new PostgresOpenError('read-only', 'the server is a standby')
}

async function upgrade(run: Run, names: Names, partitions: number): Promise<void> {
  await refuseUnfit(run)
  // A role that may not change the schema can still start on one that is up to date.
  const found = await versionOf(run, names)
  refuseNewer(found)
  if (found === expectedVersion) return
  await run('BEGIN ISOLATION LEVEL READ COMMITTED')
  await run('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [names.channel])
  const exists = await run('SELECT 1 FROM pg_namespace WHERE nspname = $1', [names.schema])
  if (exists.length === 0) await run(`CREATE SCHEMA "${names.schema}"`)
  await run(`CREATE TABLE IF NOT EXISTS ${names.version} (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one), version integer NOT NULL)`)
  // Another node may have done it while this one waited for the lock.
  const version = await versionOf(run, names)
  refuseNewer(version)
  for (const step of migrations.slice(version)) await run(step(names, partitions))
  await run(`INSERT INTO ${names.version} (version) VALUES (${expectedVersion})
    ON CONFLICT (only_one) DO UPDATE SET version = excluded.version`)
  await run('COMMIT')
}
