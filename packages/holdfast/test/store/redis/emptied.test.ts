/** A server that is emptied under nodes whose connections stand. */
import { it, onTestFinished } from 'vitest'
import { startRedis } from '../../../../../test/services/redis.ts'
import { minute, sample, sampleId, start } from '../../../src/testing/contract/check.ts'
import { connectSingle } from './clients.ts'
import { openNode, until, whole } from './nodes.ts'

it('asserts again what it ended and denied when the server is emptied', async () => {
  const own = await startRedis()
  onTestFinished(() => own.stop())
  const [one, two] = await Promise.all([openNode(connectSingle(own.url)), openNode(connectSingle(own.url))])
  await whole(one.feed)
  await one.store.revoke({ everyone: true }, { at: start, reason: 'everyone-out' })
  await one.store.denylist.put({ key: 'a token', before: null, expiresAt: start + minute })
  await own.cli('flushall')
  await until('the denial is there again', async () => (await two.store.denylist.find(['a token'], start)).length === 1)
  // Where the epoch is not there again, whoever signs in now counts as put out by it.
  let number = 0
  await until('sign-ins are good', async () => {
    number += 1
    await one.store.insert(sample(number))
    return (await one.store.get(sampleId(number)))?.revokedAt === null
  })
})
