import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { type PostgresServer, startPostgres } from '../../services/postgres.ts'
import { eventually } from '../../services/redis.ts'
import type { Fault } from '../run.ts'
import { nodeFaults } from './own.ts'
import { routeFaults, routesTo } from './routes.ts'
import { type Scenario, three } from './scenario.ts'

const feed = /LISTEN "/

async function asked<T>({ connection }: PostgresServer, ask: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(connection)
  await client.connect()
  try {
    return await ask(client)
  } finally {
    await client.end()
  }
}

/** The server ends the sessions that listen, and no other. */
async function endListeners(server: PostgresServer): Promise<void> {
  const { rowCount } = await asked(server, (client) =>
    client.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE (query = 'SELECT 1' OR query LIKE 'LISTEN "%') AND pid <> pg_backend_pid()`),
  )
  if (rowCount === 0) throw new Error('no session listens')
}

/** A standby that is left behind loses more than the latest. */
async function isFollowed(server: PostgresServer): Promise<boolean> {
  const { rows } = await asked(server, (client) =>
    client.query("SELECT FROM pg_stat_replication WHERE state = 'streaming' AND replay_lsn >= pg_current_wal_lsn() - 16384"),
  )
  return rows.length > 0
}

export async function postgres(): Promise<Scenario> {
  const first = await startPostgres({ wal_retrieve_retry_interval: '100ms' })
  let primary = first
  let standby = await primary.standby()
  const routes = await routesTo(primary.port)
  const deafness: Fault = { what: 'the listening sessions ended', run: () => endListeners(primary) }
  const loop: Fault = {
    what: 'the listening sessions ended again and again',
    async run(victim) {
      await victim.check(1)
      for (let time = 0; time < 10; time += 1) {
        await endListeners(primary).catch(() => undefined)
        if (time === 5) await victim.revoke()
        await pause(50)
      }
      await victim.check(1)
    },
  }
  const locked: Fault = {
    what: 'a table locked by somebody else',
    async run(victim) {
      await victim.check(1)
      await asked(primary, async (client) => {
        await client.query('BEGIN; LOCK TABLE holdfast_sessions IN ACCESS EXCLUSIVE MODE')
        const revoking = victim.revoke()
        await pause(1000)
        await client.query('COMMIT')
        await revoking
      })
      await victim.check(1)
    },
  }
  const restart: Fault = {
    what: 'a restart of the server',
    async run() {
      await primary.stop('fast')
      await primary.start()
      await eventually('the standby follows', () => isFollowed(primary))
    },
  }
  const promotion: Fault = {
    what: 'promotion of a standby after an unreplicated revocation',
    forgets: 'latest',
    async run(victim) {
      await standby.promote()
      await victim.revoke()
      await primary.stop('kill')
      for (const route of routes) {
        route.aim(standby.port)
        route.cut()
      }
      primary = standby
      standby = await primary.standby()
      await eventually('the standby follows', () => isFollowed(primary))
    },
  }
  return {
    backends: three((at) => ({
      kind: 'postgres',
      connection: { ...first.connection, port: routes[at]?.port },
      migrate: true,
    })),
    faults: [...nodeFaults, ...routeFaults(routes, feed), deafness, loop, locked, restart, promotion],
    async stop() {
      await Promise.all(routes.map((route) => route.stop()))
      await first.close()
    },
  }
}
