/** What was counted against a guesser and a source outlives a restart of the server, on every store that outlives one. */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../../test/services/postgres.ts'
import { type RedisClusterSet, type RedisServer, startRedis, startRedisCluster } from '../../../../test/services/redis.ts'
import type { Backend } from '../../src/config/backend.ts'
import { variables } from '../../src/config/variables.ts'
import { assertProblem } from '../client.ts'
import { databaseIn, goodPassword, movableClock, temporaryFolder, testServer } from '../harness.ts'

let postgres: PostgresServer
let redis: RedisServer
let cluster: RedisClusterSet
beforeAll(async () => {
  ;[postgres, redis, cluster] = await Promise.all([startPostgres(), startRedis(), startRedisCluster()])
})
afterAll(async () => {
  await Promise.all([postgres.close(), redis.stop(), cluster.stop()])
})

function postgresUrl({ connection: { user, password, port, database } }: PostgresServer): string {
  return `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`
}

const places: Readonly<Record<string, (folder: string) => string>> = {
  SQLite: (folder) => `sqlite:${databaseIn(folder)}`,
  PostgreSQL: () => postgresUrl(postgres),
  Redis: () => `redis://127.0.0.1:${redis.port}`,
  'Redis Cluster': () => `redis+cluster://${cluster.rootNodes.map(({ url }) => new URL(url).host).join(',')}`,
}

function backendOf(url: string): Backend {
  const parsed = variables.store.parse(url)
  if (!parsed.ok) throw new Error(parsed.problem)
  return parsed.value
}

describe.each(Object.entries(places))('on %s', (_, place) => {
  it('a lock, a count on its way to one, and a spent limit are there after a restart', async () => {
    const folder = await temporaryFolder()
    const clock = movableClock()
    const options = {
      folder,
      config: { store: backendOf(place(folder)) },
      overrides: { clock, engine: { signInsPerMinute: 40 } },
    }
    const wrong = { password: 'not the right passphrase' }
    try {
      await using before = await testServer(options)
      await before.user('alice')
      for (let count = 0; count < 10; count += 1) await before.client().post('/auth/login', { username: 'alice', ...wrong })
      for (let count = 0; count < 9; count += 1) await before.client().post('/auth/login', { username: 'root', ...wrong })
      assertProblem(await before.client().post('/auth/login', { username: 'alice', ...wrong }), 429, 'account-locked')
      await before.stop()

      await using after = await testServer(options)
      const signIn = (username: string, given = wrong) => after.client().post('/auth/login', { username, ...given })
      assertProblem(await signIn('alice', { password: goodPassword }), 429, 'account-locked')
      // One more makes ten of nine.
      assertProblem(await signIn('root'), 401, 'invalid-credentials')
      assertProblem(await signIn('root', { password: goodPassword }), 429, 'account-locked')
      const answers = []
      for (let count = 0; count < 25; count += 1) answers.push(await signIn(`nobody-${count}`))
      const limited = answers.filter(({ json }) => json.code === 'rate-limited')
      // 40 within a minute that has not passed; more than 15 of them were before the restart.
      assert.ok(limited.length >= 5, `${limited.length}`)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
