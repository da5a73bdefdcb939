/** Everyone-outs on one server, as nodes see them that have read earlier ones. */
import { expect, it, onTestFinished } from 'vitest'
import { type RedisServer, startRedis } from '../../../../../test/services/redis.ts'
import { RedisKeys } from '../../../src/store/redis-keys.ts'
import { minute, sample, sampleId, start } from '../../../src/testing/contract/check.ts'
import { connectSingle } from './clients.ts'
import { type Node, openNode } from './nodes.ts'

const keys = new RedisKeys('hf:')

const everyoneOut = (minutes: number) => ({ at: start + minutes * minute, reason: 'everyone-out' }) as const

async function twoNodes(): Promise<readonly [server: RedisServer, one: Node, two: Node]> {
  const server = await startRedis()
  onTestFinished(() => server.stop())
  return [server, await openNode(connectSingle(server.url)), await openNode(connectSingle(server.url))]
}

it('are seen one after the other', async () => {
  const [, one, two] = await twoNodes()
  for (let number = 1; number < 5; number += 1) {
    await one.store.insert(sample(number))
    expect((await two.store.get(sampleId(number)))?.revokedAt).toBe(null)
    await one.store.revoke({ everyone: true }, everyoneOut(number))
    expect((await two.store.get(sampleId(number)))?.revokedAt).toBe(start + number * minute)
  }
})

it('of a Cluster before, which has no stamp, are seen, and given one', async () => {
  const [server, one, two] = await twoNodes()
  await one.store.insert(sample(1))
  await one.store.revoke({ everyone: true }, everyoneOut(1))
  await server.cli('del', keys.stamp)
  expect((await two.store.get(sampleId(1)))?.reason).toBe('everyone-out')
  expect(await server.cli('get', keys.stamp)).toMatch(/^[0-9a-f]{40}$/)
})

it('that are damaged concern their own shard only', async () => {
  const [server, one] = await twoNodes()
  await one.store.insert(sample(1))
  await one.store.insert(sample(2, { subject: 'bob' }))
  const [own, other] = [sampleId(1), sampleId(2, 'bob')]
  expect(own.slice(0, 2)).not.toBe(other.slice(0, 2))
  await server.cli('set', keys.everyone(own), 'damaged')
  const settled = await Promise.allSettled([one.store.get(own), one.store.get(other)])
  expect(settled.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
})
