import pg from 'pg'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../../../test/services/postgres.ts'
import { type PostgresStore, postgresStore } from '../../../src/store/postgres.ts'
import { storeContract } from '../../../src/testing/index.ts'

let server: PostgresServer

beforeAll(async () => {
  // Not about the disk: what is tested here is the same with it, and takes three times as long.
  server = await startPostgres({ fsync: 'off' })
})

afterAll(() => server.close())

function emptied(schema: string): string {
  const tables = ['sessions', 'tickets', 'counters', 'denials', 'api_keys', 'events'].map(
    (table) => `${schema}.holdfast_${table}`,
  )
  return `TRUNCATE ${tables.join(', ')}; UPDATE ${schema}.holdfast_epoch SET epoch = 0; UPDATE ${schema}.holdfast_events_head SET last = 0`
}

describe.each([
  ['in one table', 'whole', 0],
  ['in four partitions', 'parted', 4],
])('the PostgreSQL store keeps the contract, with three nodes, %s', (_, schema, partitions) => {
  const pools: pg.Pool[] = []

  beforeAll(async () => {
    for (let node = 0; node < 3; node += 1) pools.push(new pg.Pool({ ...server.connection, max: 6 }))
    const [pool] = pools
    if (pool !== undefined) await postgresStore(pool, { schema, partitions, listen: false }).migrate()
  })

  afterAll(async () => {
    for (const pool of pools) await pool.end()
  })

  storeContract({ describe, it }, async () => {
    await pools[0]?.query(emptied(schema))
    const stores = pools.map((pool) => postgresStore(pool, { schema })) as [PostgresStore, ...PostgresStore[]]
    return {
      stores,
      close: async () => {
        for (const store of stores) await store[Symbol.asyncDispose]?.()
      },
    }
  })
})
