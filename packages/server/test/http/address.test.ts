/** The address that an event and the log tell of is the one that limits count by, whatever a client writes of itself. */
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { assertProblem } from '../client.ts'
import { testServer } from '../harness.ts'

const origin = 'https://auth.example.test'
const config = { url: new URL(origin), trustedProxies: ['127.0.0.1'] }
const body = { token: 'not-the-token-at-all', username: 'root', password: 'tall giraffes read quietly' }

describe('the address of a caller', () => {
  it.each([
    ['of X-Forwarded-For', { 'x-forwarded-for': '198.51.100.7, 203.0.113.9' }, '203.0.113.9'],
    ['of Forwarded', { forwarded: 'for="[2001:db8::9]:4711"' }, '2001:db8::9'],
    [
      'of the proxy, where the two differ, since one came from the client',
      { forwarded: 'for=203.0.113.9', 'x-forwarded-for': '192.0.2.66' },
      '127.0.0.1',
    ],
    ['of the proxy, where there is no address', { 'x-forwarded-for': 'kind=user_deleted' }, '127.0.0.1'],
  ])('is that %s', async (_of, headers, ip) => {
    await using server = await testServer({ config })
    const options = { headers: { origin, 'x-forwarded-proto': 'https', ...headers } }
    assertProblem(await server.client().post('/auth/setup', body, options), 403, 'forbidden')
    const { events, eventLog } = server.services
    await events.flush()
    const told = await eventLog.read({ after: 0, limit: 10 })
    assert.deepEqual(
      told.filter(({ kind }) => kind === 'setup_refused').map(({ data }) => data.ip),
      [ip],
    )
    const line = server.log.lines().find(({ msg }) => msg === 'Request')
    assert.equal(line?.ip, ip)
  })
})
