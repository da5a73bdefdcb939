/** What `doctor` wants to know of a PostgreSQL server. */
import { checkOptions, checkPool, type OptionTypes } from './arguments.ts'
import { openError } from './postgres-errors.ts'
import { versionOf } from './postgres-migrate.ts'
import { type PostgresPool, type PostgresValue, queryOf, type Row, rowsOf } from './postgres-pool.ts'
import { expectedVersion, namesIn } from './postgres-schema.ts'
import { durableFor } from './postgres-sql.ts'
import type { Instant } from './store.ts'

export interface PostgresReport {
  /** As the server writes it: `17.2`. */
  readonly serverVersion: string
  /** 0: the schema has not been made. */
  readonly schemaVersion: number
  /** The version that this release writes. */
  readonly expectedVersion: number
  /** Tables that sessions are spread over; 0: one, not partitioned. */
  readonly partitions: number
  /** A standby takes no writes, and this store reads nothing from it. */
  readonly standby: boolean
  readonly readOnly: boolean
  /** `read committed` for a store in order. */
  readonly isolation: string
  readonly fsync: boolean
  readonly fullPageWrites: boolean
  readonly synchronousCommit: string
  readonly synchronousStandbyNames: string
  /** Standbys and backups attached now. */
  readonly attached: number
  /** Whether a revocation that is answered outlives the server; see `PostgresStoreOptions.expectsStandby`. */
  readonly durable: boolean
  /** Server's clock minus this node's, in ms; the server's own figures have microseconds. */
  readonly clockOffset: number
  readonly encrypted: boolean
  /** In ms, 0: none. Without it a statement that this node has given up may occupy the server for long. */
  readonly statementTimeout: number
  readonly connections: { readonly limit: number; readonly used: number; readonly pool: number | undefined }
  /** Full at 1: a session that listens and does not read. */
  readonly notificationQueue: number
}

export interface InspectOptions {
  /** Default `public`. */
  readonly schema?: string
  /** Default false. */
  readonly expectsStandby?: boolean
  /** This node's clock. */
  readonly now: () => Instant
}

const timeout = 10_000

const optionTypes: OptionTypes<InspectOptions> = { schema: 'text', expectsStandby: 'flag', now: 'function' }

/** Changes nothing. Throws a `PostgresOpenError` when the server cannot be asked, and a `TypeError` for what is no pool and no option. */
export async function inspectPostgres(pool: PostgresPool, options: InspectOptions): Promise<PostgresReport> {
  checkPool(pool)
  checkOptions(options, optionTypes)
  if (options.now === undefined) throw new TypeError('now must be a function')
  const { schema = 'public', expectsStandby = false, now } = options
  const names = namesIn(schema)
  const run = (text: string, values: readonly PostgresValue[] = []) => rowsOf(pool.query(queryOf(text, values, timeout)))
  try {
    const before = now()
    const [[serverNow] = []] = await run(`SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint`)
    const clockOffset = Number(serverNow) - Math.round((before + now()) / 2)
    const [row = []] = await run(facts(names.schema, expectsStandby))
    return { ...reportOf(row), schemaVersion: await versionOf(run, names), expectedVersion, clockOffset, ...poolOf(pool, row) }
  } catch (fault) {
    throw openError(fault)
  }
}

const facts = (schema: string, expectsStandby: boolean): string => `SELECT current_setting('server_version'),
  (SELECT count(*) FROM pg_inherits WHERE inhparent = to_regclass('"${schema}".holdfast_sessions')),
  pg_is_in_recovery(), current_setting('transaction_read_only') = 'on', current_setting('transaction_isolation'),
  current_setting('fsync') = 'on', current_setting('full_page_writes') = 'on', current_setting('synchronous_commit'),
  current_setting('synchronous_standby_names'), (SELECT count(*) FROM pg_stat_get_wal_senders()),
  ${durableFor(expectsStandby)}, coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false),
  pg_notification_queue_usage(), current_setting('max_connections'), (SELECT sum(numbackends) FROM pg_stat_database),
  (SELECT setting FROM pg_settings WHERE name = 'statement_timeout')`

type Facts = Omit<PostgresReport, 'schemaVersion' | 'expectedVersion' | 'clockOffset' | 'connections'>

function reportOf(row: Row): Facts {
  return {
    serverVersion: String(row[0]),
    partitions: Number(row[1]),
    standby: row[2] === 't',
    readOnly: row[3] === 't',
    isolation: String(row[4]),
    fsync: row[5] === 't',
    fullPageWrites: row[6] === 't',
    synchronousCommit: String(row[7]),
    synchronousStandbyNames: String(row[8]),
    attached: Number(row[9]),
    durable: row[10] === 't' && row[2] === 'f',
    encrypted: row[11] === 't',
    notificationQueue: Number(row[12]),
    statementTimeout: Number(row[15]),
  }
}

function poolOf(pool: PostgresPool, row: Row): Pick<PostgresReport, 'connections'> {
  return { connections: { limit: Number(row[13]), used: Number(row[14]), pool: pool.options?.max } }
}
