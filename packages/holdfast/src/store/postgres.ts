/**
 * Everything in PostgreSQL (15 to 18), through a `pg` pool of the app's: for several nodes on one database.
 *
 * When a call returns, a revocation, a denial, a replaced secret and a spent ticket are as safe as the server's
 * `synchronous_commit` makes them; a touch, a count and an event survive a crash of a node, and a crash of the server may lose
 * the latest. Faults of the server, a read-only one and a standby included, are thrown and leave what is stored as it
 * was; the pool makes new connections by itself. It must lead to the primary, and a former primary must be shut off
 * (fenced) when a standby is promoted: two primaries know nothing of each other's revocations. A standby that had not
 * yet received a revocation has lost it when it is promoted: so each node asserts its revocations of the last ten minutes
 * again whenever its listening connection is made anew; without one, when another server answers after a fault.
 */
import { checkOptions, checkPool, type OptionTypes } from './arguments.ts'
import { ChangeListeners } from './changes.ts'
import { PostgresApiKeys } from './postgres-api-keys.ts'
import { PostgresChanges } from './postgres-changes.ts'
import { PostgresCounters } from './postgres-counters.ts'
import { Database } from './postgres-database.ts'
import { PostgresDenylist } from './postgres-denylist.ts'
import { PostgresEventLog } from './postgres-event-log.ts'
import { migrate } from './postgres-migrate.ts'
import { type PostgresClient, type PostgresPool, queryOf, rowsOf } from './postgres-pool.ts'
import { namesIn } from './postgres-schema.ts'
import { PostgresServer } from './postgres-server.ts'
import { PostgresSessions } from './postgres-sessions.ts'
import { PostgresTickets } from './postgres-tickets.ts'
import { assertRevocations, Reassertion } from './reassertion.ts'
import { RecentRevocations } from './recent-revocations.ts'
import type { Store } from './store.ts'

export { PostgresOpenError, type PostgresOpenProblem } from './postgres-errors.ts'
export { type InspectOptions, inspectPostgres, type PostgresReport } from './postgres-inspect.ts'
export type { PostgresClient, PostgresPool } from './postgres-pool.ts'

export interface PostgresStoreOptions {
  /** Where the tables are, beside others' if need be: their names begin with `holdfast_`. Default `public`. */
  readonly schema?: string
  /**
   * Spreads sessions over this many tables by the hash of their id, 0 to 256, when `migrate` makes them; it changes
   * nothing afterwards. Default 0: one table, which serves up to some tens of millions.
   */
  readonly partitions?: number
  /**
   * Makes the connection that listens for changes. Default: one to where the pool connects. It must lead to the server
   * itself, not to a pooler of transactions. False: no change feed, and so no remembered checks.
   */
  readonly listen?: (() => PostgresClient) | false
  /** Statements are prepared once for each connection. Default true; false for a pooler that cannot. */
  readonly prepare?: boolean
  /**
   * After this many ms, 100 to 60 000, a statement has failed and its connection is given up. Default 2000. The server
   * goes on with it, maybe to its end, unless the pool's own `statement_timeout` stops it there. A pool that has no
   * `connectionTimeoutMillis` is given this one.
   */
  readonly timeout?: number
  /** There is a standby that may take over even when none is attached: a revocation is then durable only by synchronous commit. */
  readonly expectsStandby?: boolean
}

export interface PostgresStore extends Store {
  /**
   * Makes the tables or brings them up to date; any number of nodes may do so at once. Call it before anything else.
   * Throws a `PostgresOpenError`, having changed nothing.
   */
  migrate(): Promise<void>
}

const whoAnswers = 'SELECT pg_postmaster_start_time()::text'
const mostLookups = 10_000
const mostWrites = 1000

const optionTypes: OptionTypes<PostgresStoreOptions> = {
  schema: 'text',
  partitions: 'number',
  listen: 'function or false',
  prepare: 'flag',
  timeout: 'number',
  expectsStandby: 'flag',
}

/**
 * Connects when first needed. Throws a `RangeError` for an option out of range, and a `TypeError` for a name that is none, a value of another
 * type and for what is no pool. The pool stays the app's, to end when the store is closed.
 */
export function postgresStore(pool: PostgresPool, options: PostgresStoreOptions = {}): PostgresStore {
  checkPool(pool)
  checkOptions(options, optionTypes)
  const { schema = 'public', partitions = 0, prepare = true, timeout = 2000, expectsStandby = false } = options
  const names = namesIn(schema)
  inRange('partitions', partitions, 0, 256)
  inRange('timeout', timeout, 100, 60_000)
  const listeners = new ChangeListeners()
  const open = options.listen ?? clientOf(pool)
  const doesListen = open !== false && open !== undefined
  const server = new PostgresServer({
    ask: async () => String((await rowsOf(pool.query(queryOf(whoAnswers, [], timeout))))[0]?.[0]),
    onOther: () => reassertion.start(),
    onAnswer: () => reassertion.resume(),
  })
  // A feed notices another server by itself.
  const told = doesListen ? undefined : server
  const database = new Database(pool, { schema, timeout, prepare, mostPending: mostWrites, server: told })
  const lanes = Math.max(1, Math.min(4, (pool.options?.max ?? 10) - 1))
  const recent = new RecentRevocations()
  const sessions = new PostgresSessions(database, listeners, {
    names,
    recent,
    // Counted apart: checks go on however many writes wait.
    checks: new Database(pool, { schema, timeout, prepare, mostPending: lanes, server: told }),
    expectsStandby,
    lookups: { lanes, size: 128, waiting: mostLookups },
    // Commits that notify take turns in the server: more lanes would only make smaller batches.
    writes: { lanes: Math.min(lanes, 2), size: 256, waiting: mostWrites },
  })
  const denylist = new PostgresDenylist(database, names, expectsStandby)
  const apiKeys = new PostgresApiKeys(database, names)
  const reassertion = new Reassertion([
    () => assertRevocations(recent, sessions),
    () => denylist.assertAgain(),
    () => apiKeys.assertAgain(),
  ])
  const changes = doesListen
    ? new PostgresChanges({
        open,
        channel: names.channel,
        listeners,
        timeout,
        onServer: () => reassertion.start(),
        onAsked: () => reassertion.resume(),
      })
    : undefined
  // Without it a connection that hangs while it is made would be waited for to the end of the process.
  if (pool.options !== undefined) pool.options.connectionTimeoutMillis ||= timeout
  // A pool whose idle connection breaks and that nobody listens to ends the process; the next statement tells.
  const noteBroken = () => server.lost()
  pool.on('error', noteBroken)
  return {
    tickets: new PostgresTickets(database, names),
    counters: new PostgresCounters(database, names),
    denylist,
    apiKeys,
    eventLog: new PostgresEventLog(database, names),
    ...(changes === undefined ? {} : { changes }),
    migrate: () => migrate(pool, names, partitions),
    insert: (record, cap) => sessions.insert(record, cap),
    get: (id) => sessions.get(id),
    replace: (next, revision) => sessions.replace(next, revision),
    touch: (sightings) => sessions.touch(sightings),
    list: (query) => sessions.list(query),
    revoke: (target, revocation) => sessions.revoke(target, revocation),
    sweep: (query) => sessions.sweep(query),
    async [Symbol.asyncDispose]() {
      await changes?.close()
      pool.off('error', noteBroken)
    },
  }
}

/** `pg-pool` keeps the class of its clients and the options that it makes them with. */
function clientOf(pool: PostgresPool): (() => PostgresClient) | undefined {
  const { Client, options } = pool as { Client?: new (options: unknown) => PostgresClient; options?: unknown }
  return Client === undefined ? undefined : () => new Client(options)
}

function inRange(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw new RangeError(`${name} must be an integer from ${least} to ${most}`)
}
