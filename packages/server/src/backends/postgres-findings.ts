/** What `doctor` says of a PostgreSQL server. */
import type { PostgresReport } from 'holdfast/store/postgres'
import type { PostgresBackend } from '../config/backend.ts'
import { isLoopback } from '../config/parse.ts'
import { checkSkew, checkVersion, type Finding, failed, ok, warning } from '../doctor/finding.ts'

function checkSafety(report: PostgresReport): Finding {
  const check = 'sessions: crash safety'
  if (!report.fsync) return failed(check, 'fsync is off: a crash of the machine can destroy every table')
  if (!report.fullPageWrites) return warning(check, 'full_page_writes is off: a crash can tear pages on most file systems')
  return ok(check, `fsync and full_page_writes are on, synchronous_commit is ${report.synchronousCommit}`)
}

function checkDurability({ durable, attached, synchronousStandbyNames }: PostgresReport): Finding {
  const check = 'sessions: durable revocations'
  const standbys = `${attached} attached, synchronous_standby_names is ${synchronousStandbyNames === '' ? 'empty' : 'set'}`
  if (durable) return ok(check, `an answered revocation outlives the server (standbys: ${standbys})`)
  return warning(check, `a standby that takes over may lack the latest revocations (${standbys}): name a synchronous standby`)
}

function checkConnections({ connections: { limit, used, pool } }: PostgresReport, { connections }: PostgresBackend): Finding {
  const detail = `${used} of ${limit} in use; this node takes up to ${connections} and a few for accounts`
  return used + (pool ?? 0) > limit * 0.9 ? warning('sessions: connections', detail) : ok('sessions: connections', detail)
}

function checkFeed({ notificationQueue }: PostgresReport, { pooler, listen }: PostgresBackend): Finding {
  const check = 'sessions: change feed'
  if (pooler && listen === undefined)
    return warning(check, 'none through a pooler: every check asks the database; set listen=HOST:PORT')
  if (notificationQueue > 0.5)
    return failed(
      check,
      `the notification queue is ${Math.round(notificationQueue * 100)} % full: some session listens and does not read`,
    )
  return ok(check, 'LISTEN on a connection of its own')
}

function checkEncryption({ encrypted }: PostgresReport, { host }: PostgresBackend): Finding {
  const isHere = host.startsWith('/') || isLoopback(host)
  if (encrypted || isHere) return ok('sessions: encryption', encrypted ? 'TLS' : 'none needed on this machine')
  return warning('sessions: encryption', 'the connection is in the clear: set sslmode=verify-full')
}

export function postgresFindings(backend: PostgresBackend, report: PostgresReport): readonly Finding[] {
  const { serverVersion, partitions, schemaVersion, expectedVersion, isolation, clockOffset } = report
  return [
    ok('sessions: server', `PostgreSQL ${serverVersion}, ${partitions === 0 ? 'one table' : `${partitions} partitions`}`),
    checkVersion('sessions: schema', schemaVersion, expectedVersion),
    isolation === 'read committed'
      ? ok('sessions: isolation', isolation)
      : failed('sessions: isolation', `${isolation}: caps need default_transaction_isolation to be read committed`),
    checkSafety(report),
    checkDurability(report),
    checkFeed(report, backend),
    checkConnections(report, backend),
    checkEncryption(report, backend),
    checkSkew(clockOffset),
  ]
}
