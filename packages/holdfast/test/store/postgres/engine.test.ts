/** Two nodes with engines of their own, each remembering what it has checked. */
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../../../test/services/postgres.ts'
import { createHoldfast } from '../../../src/index.ts'
import { refreshRaces } from '../../engine/support/refresh-race.ts'
import { openNodes } from './nodes.ts'

let server: PostgresServer

beforeAll(async () => {
  server = await startPostgres()
})

afterAll(() => server.close())

const secret = 'k9Q2v7Lm4Xr8Tz1Wc6Yb3Hn5Jd0Fs9PaGu'
const maxStaleness = 300

async function openEngines(count: number) {
  const { nodes, close } = await openNodes(server, count)
  const engines = nodes.map(({ store }) => createHoldfast({ secret, store, maxStaleness }))
  const [first] = engines
  if (first === undefined) throw new Error('there is no engine')
  return {
    first,
    second: engines[1] ?? first,
    close: async () => {
      for (const engine of engines) await engine.close()
      await close()
    },
  }
}

type Engine = Awaited<ReturnType<typeof openEngines>>['first']

/** Checks again and again; how long after `since` the latest check began that was answered "live". */
async function lastLive(engine: Engine, token: string, since: number): Promise<number> {
  let latest = Number.NEGATIVE_INFINITY
  for (;;) {
    const began = Date.now()
    const verdict = await engine.verify(token)
    if (verdict.status === 'dead') return latest
    if (verdict.status === 'live') latest = began - since
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function checkedOften(engine: Engine, token: string): Promise<void> {
  for (let check = 0; check < 200; check += 1) {
    expect((await engine.verify(token)).status).toBe('live')
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function listeners(pool: pg.Pool): Promise<number[]> {
  const { rows } = await pool.query(
    `SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND (query LIKE 'LISTEN %' OR query = 'SELECT 1')`,
  )
  return rows.map(({ pid }) => pid)
}

describe('a session that one node remembers and another revokes', () => {
  it('is dead there within the bound', async () => {
    const { first, second, close } = await openEngines(2)
    for (let round = 0; round < 5; round += 1) {
      const { session, token } = await first.issue({ subject: `subject ${round}` })
      await checkedOften(second, token)
      await first.revoke({ session: session.id })
      expect(await lastLive(second, token, Date.now())).toBeLessThanOrEqual(maxStaleness)
    }
    await close()
  })

  it('is dead there within the bound when the listening connections hang', async () => {
    const pool = new pg.Pool(server.connection)
    const { first, second, close } = await openEngines(2)
    const { session, token } = await first.issue({ subject: 'alice' })
    await checkedOften(second, token)
    const pids = await listeners(pool)
    expect(pids).toHaveLength(2)
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    await first.revoke({ session: session.id })
    expect(await lastLive(second, token, Date.now())).toBeLessThanOrEqual(maxStaleness)
    for (const pid of pids) process.kill(pid, 'SIGCONT')
    await close()
    await pool.end()
  })

  it('is checked in the database while the listening connections are gone', async () => {
    const pool = new pg.Pool(server.connection)
    const { first, second, close } = await openEngines(2)
    const { session, token } = await first.issue({ subject: 'alice' })
    await checkedOften(second, token)
    for (const pid of await listeners(pool)) await pool.query('SELECT pg_terminate_backend($1, 5000)', [pid])
    await first.revoke({ session: session.id })
    expect(await lastLive(second, token, Date.now())).toBeLessThanOrEqual(maxStaleness)
    await close()
    await pool.end()
  })
})

describe('refresh tokens', () => {
  refreshRaces(async () => {
    const { nodes, close } = await openNodes(server, 3)
    const left = nodes.map(({ store }) => store)
    return {
      async open() {
        const store = left.shift()
        if (store === undefined) throw new Error('every node is taken')
        return store
      },
      close,
    }
  })
})
