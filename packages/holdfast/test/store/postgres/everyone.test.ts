/** The latest everyone-out, in its one row. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../../../test/services/postgres.ts'
import { sample, sampleId } from '../../../src/testing/contract/check.ts'
import { openNodes } from './nodes.ts'

let server: PostgresServer

beforeAll(async () => {
  server = await startPostgres()
})

afterAll(() => server.close())

it('puts everyone out when its row is gone', async () => {
  const { nodes, close, schema } = await openNodes(server, 1)
  const [{ pool, store }] = nodes
  await store.insert(sample(1))
  await pool.query(`DELETE FROM ${schema}.holdfast_epoch`)
  expect((await store.get(sampleId(1)))?.reason).toBe('everyone-out')
  expect((await store.list({ limit: 1 })).items).toEqual([])
  await close()
})
