/**
 * A standby that takes over without the latest revocations, as asynchronous replication leaves it: it is promoted before
 * the primary records them, the primary is killed, and the address that nodes connect to leads to the new one.
 */
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../../../test/services/postgres.ts'
import { eventually } from '../../../../../test/services/redis.ts'
import { startTcpProxy, type TcpProxy } from '../../../../../test/services/tcp-proxy.ts'
import type { Denial } from '../../../src/store/denylist.ts'
import { type PostgresStore, type PostgresStoreOptions, postgresStore } from '../../../src/store/postgres.ts'
import { sampleKey } from '../../../src/testing/contract/api-keys.ts'
import { minute, sample, sampleId, start } from '../../../src/testing/contract/check.ts'

const admin = { at: start + minute, reason: 'admin' } as const
const everyoneOut = { at: start + minute, reason: 'everyone-out' } as const

let primary: PostgresServer
let standby: PostgresServer
let route: TcpProxy
/** The third listens to nothing, as behind a pooler. */
let stores: readonly [PostgresStore, PostgresStore, PostgresStore]
const pools: pg.Pool[] = []

beforeAll(async () => {
  primary = await startPostgres()
  route = await startTcpProxy({ port: primary.port })
  const open = (options: PostgresStoreOptions = {}) => {
    const pool = new pg.Pool({ ...primary.connection, port: route.port, max: 4 })
    pools.push(pool)
    return postgresStore(pool, { expectsStandby: true, ...options })
  }
  stores = [open(), open(), open({ listen: false })]
  await stores[0].migrate()
  standby = await primary.standby()
})
afterAll(async () => {
  for (const store of stores) await store[Symbol.asyncDispose]?.()
  await Promise.all(pools.map((pool) => pool.end()))
  await route.stop()
  await primary.close()
})

const key = (id: string) => sampleKey(1, { id, owner: id })
const denial = (name: string): Denial => ({ key: name, before: null, expiresAt: start + 60 * minute })

it('has revocations, denials and ended keys asserted again by the node that made them', async () => {
  const [one, other, quiet] = stores
  for (const id of ['first', 'owned', 'quiet', 'kept']) await one.apiKeys.insert(key(id))
  expect(await quiet.apiKeys.get('quiet')).toMatchObject({ revokedAt: null })
  for (const number of [1, 2, 3, 4]) await one.insert(sample(number, number === 4 ? { subject: 'bob' } : {}))
  for (const store of [one, other]) {
    store.changes?.subscribe(() => undefined)
    await eventually('the feed is whole', async () => store.changes?.confirm(Date.now(), 1000) === true)
  }
  const replayed = new pg.Client(standby.connection)
  await replayed.connect()
  await eventually('the standby has the sessions', async () => {
    const { rows } = await replayed.query('SELECT count(*) FROM holdfast_sessions')
    return rows[0].count === '4'
  })
  await replayed.end()
  await standby.promote()
  expect(await one.revoke({ id: sampleId(1) }, admin)).toEqual({ ids: [sampleId(1)], durable: false })
  expect(await one.revoke({ subject: 'alice', except: sampleId(3) }, admin)).toMatchObject({ ids: [sampleId(2)] })
  expect(await one.apiKeys.revoke('first', admin.at)).toBe(true)
  expect(await one.apiKeys.revokeOwner('owned', admin.at)).toEqual(['owned'])
  expect(await quiet.apiKeys.revoke('quiet', admin.at)).toBe(true)
  expect(await one.denylist.put(denial('first'))).toEqual({ durable: false })
  await quiet.denylist.put(denial('quiet'))
  await primary.stop('kill')
  route.aim(standby.port)
  route.cut()
  // Asking whether the feed is whole is what a node does at its checks; it is also what finds the new server.
  const heard = async (id: string, reason: string) =>
    eventually(`another node sees ${reason}`, async () => {
      one.changes?.confirm(Date.now(), 1000)
      return (await other.get(id))?.reason === reason
    })
  await heard(sampleId(1), 'admin')
  await heard(sampleId(2), 'admin')
  expect((await other.get(sampleId(3)))?.reason).toBeNull()
  const endedKeys = async (...ids: string[]) =>
    (await Promise.all(ids.map((id) => other.apiKeys.get(id)))).every((found) => found?.revokedAt === admin.at)
  const denied = async (...keys: string[]) => (await other.denylist.find(keys, start)).length === keys.length
  await eventually('another node sees the keys ended', () => endedKeys('first', 'owned'))
  await eventually('another node sees the denial', () => denied('first'))
  expect(await other.apiKeys.get('kept')).toMatchObject({ revokedAt: null })
  // Any use shows the node that does not listen that its server is another.
  await eventually('so does the node that listens to nothing', async () => {
    await Promise.resolve(quiet.apiKeys.get('kept')).catch(() => undefined)
    return (await endedKeys('quiet')) && (await denied('quiet'))
  })
})

it('holds for the node itself before it has asserted anything', async () => {
  const [one, other] = stores
  await one.insert(sample(10))
  expect((await one.revoke({ id: sampleId(10) }, admin)).ids).toEqual([sampleId(10)])
  const undo = new pg.Client(standby.connection)
  await undo.connect()
  await undo.query('UPDATE holdfast_sessions SET revoked_at = NULL, reason = NULL WHERE id = $1', [sampleId(10)])
  expect((await other.get(sampleId(10)))?.reason).toBeNull()
  expect((await one.get(sampleId(10)))?.reason).toBe('admin')
  expect((await one.list({ subject: 'alice', limit: 10 })).items.find(({ id }) => id === sampleId(10))?.reason).toBe('admin')

  await one.insert(sample(11))
  await one.revoke({ everyone: true }, everyoneOut)
  await one.apiKeys.revoke('kept', admin.at)
  await one.denylist.put(denial('held'))
  await undo.query('UPDATE holdfast_api_keys SET revoked_at = NULL')
  await undo.query('DELETE FROM holdfast_denials')
  expect(await other.apiKeys.get('kept')).toMatchObject({ revokedAt: null })
  expect(await one.apiKeys.get('kept')).toMatchObject({ revokedAt: admin.at })
  expect((await one.apiKeys.list({ owner: 'kept', limit: 1 })).items).toMatchObject([{ revokedAt: admin.at }])
  expect(await other.denylist.find(['held'], start)).toEqual([])
  expect(await one.denylist.find(['held', 'none'], start)).toEqual([denial('held')])
  await undo.query('UPDATE holdfast_epoch SET epoch = epoch - 1')
  await undo.end()
  expect((await other.get(sampleId(11)))?.reason).toBeNull()
  expect((await one.get(sampleId(11)))?.reason).toBe('everyone-out')
  route.cut()
  await eventually('everyone-out is asserted again', async () => {
    one.changes?.confirm(Date.now(), 1000)
    return (await other.get(sampleId(11)))?.reason === 'everyone-out'
  })
})
