/** What stands in the tables, and how it is asked for. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../../../test/services/postgres.ts'
import { sample, sampleId, start } from '../../../src/testing/contract/check.ts'
import { openNodes } from './nodes.ts'

let server: PostgresServer

beforeAll(async () => {
  server = await startPostgres()
})

afterAll(() => server.close())

describe('rows', () => {
  it('fail only those who ask for the damaged one', async () => {
    const { nodes, close, schema } = await openNodes(server, 1)
    const [{ pool, store }] = nodes
    for (const number of [1, 2, 3]) await store.insert(sample(number))
    const damage = [
      `data = 'no json'`,
      `data = '{}'`,
      `data = '[]'`,
      `data = replace(data, '"local"', '7')`,
      `revoked_at = 1, reason = 'whatever'`,
    ]
    for (const each of damage) {
      await pool.query(`UPDATE ${schema}.holdfast_sessions SET ${each} WHERE id = $1`, [sampleId(2)])
      const answers = await Promise.allSettled([1, 2, 3].map(async (number) => store.get(sampleId(number))))
      expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
      expect(String((answers[1] as PromiseRejectedResult).reason)).toContain(`session ${sampleId(2)} is damaged`)
    }
    await close()
  })

  it('keep what a later release has put into them', async () => {
    const { nodes, close, schema } = await openNodes(server, 1)
    const [{ pool, store }] = nodes
    await store.insert(sample(1))
    const data = `UPDATE ${schema}.holdfast_sessions SET data = left(data, -1) || ',{"later":"\\u0000"}]'`
    await pool.query(data)
    expect(await store.replace({ ...sample(1), label: 'new' }, 0)).toBe(true)
    const { rows } = await pool.query(`SELECT data FROM ${schema}.holdfast_sessions`)
    const stored = JSON.parse(rows[0].data)
    expect([stored[17], stored.slice(20)]).toEqual(['new', [{ later: '\0' }]])
    await close()
  })

  it('keep subjects apart that the database could not hold as they are', async () => {
    const { nodes, close } = await openNodes(server, 1)
    const { store } = nodes[0]
    const subjects = ['a\0', 'a\\0000', 'a\ud800', 'a\udbff', 'a\ufffd']
    for (const [number, subject] of subjects.entries()) await store.insert(sample(number, { id: sampleId(number), subject }))
    for (const [number, subject] of subjects.entries()) {
      const { items } = await store.list({ subject, limit: 10 })
      expect(items).toEqual([sample(number, { id: sampleId(number), subject })])
    }
    await close()
  })

  it('are not quoted in faults', async () => {
    const { nodes, close } = await openNodes(server, 1)
    const { store } = nodes[0]
    const secret = 'Z'.repeat(43)
    const insert = async () => store.insert(sample(1, { digest: secret, revokedAt: start }))
    const fault = await insert().catch((thrown: unknown) => thrown)
    expect(fault).toBeInstanceOf(Error)
    expect(JSON.stringify(Object.getOwnPropertyDescriptors(fault)) + String(fault)).not.toContain('ZZZZ')
    await close()
  })
})

describe('statements', () => {
  it.each([true, false])('are prepared on each connection, or never: %s', async (prepare) => {
    const { nodes, close } = await openNodes(server, 1, { prepare, listen: false })
    const [{ pool, store }] = nodes
    await store.insert(sample(1))
    expect(await store.get(sampleId(1))).toEqual(sample(1))
    const asked = Array.from({ length: pool.totalCount }, () => pool.query('SELECT name FROM pg_prepared_statements'))
    const names = (await Promise.all(asked)).flatMap(({ rows }) => rows.map(({ name }) => name.split('.')[1]))
    expect([...new Set(names)].sort()).toEqual(prepare ? ['get', 'insert'] : [])
    await close()
  })
})
