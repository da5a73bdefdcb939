import assert from 'node:assert/strict'
import { eventKinds } from 'holdfast'
import { describe, it } from 'vitest'
import { readConfig } from '../../src/config/config.ts'
import { testSecret } from '../harness.ts'

const url = 'https://hooks.example.test/in?team=3'
const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`
const read = (environment: Record<string, string>) => readConfig({ HOLDFAST_SECRET: testSecret, ...environment }, '/nowhere')
const given = (more: Record<string, string>) => read({ HOLDFAST_WEBHOOK_URL: url, HOLDFAST_WEBHOOK_SECRET: secret, ...more })

describe('the settings of the webhook', () => {
  it('are none by default, every kind when none is named, else those named and those of a first word', () => {
    assert.equal(read({}).config?.webhook, undefined)
    const webhook = given({}).config?.webhook
    assert.deepEqual([webhook?.url, webhook?.secrets.length, webhook?.events.size], [url, 1, Object.keys(eventKinds).length])
    const some = given({ HOLDFAST_WEBHOOK_EVENTS: 'authn_token_reuse, user_*' }).config?.webhook
    assert.deepEqual([...(some?.events ?? [])].sort(), ['authn_token_reuse', 'user_created', 'user_deleted', 'user_updated'])
    assert.equal(given({ HOLDFAST_WEBHOOK_SECRET: `${secret}, whsec_${'A'.repeat(32)}` }).config?.webhook?.secrets.length, 2)
    assert.ok(given({ HOLDFAST_WEBHOOK_URL: 'http://127.0.0.1:9/x' }).config)
  })

  it.each([
    [{ HOLDFAST_WEBHOOK_URL: 'http://hooks.example.test/' }, 'HOLDFAST_WEBHOOK_URL', /must use https unless/],
    [{ HOLDFAST_WEBHOOK_URL: 'ftp://hooks.example.test/' }, 'HOLDFAST_WEBHOOK_URL', /must be a URL/],
    [{ HOLDFAST_WEBHOOK_URL: 'https://u:canary@h.test/' }, 'HOLDFAST_WEBHOOK_URL', /must hold no credentials/],
    [{ HOLDFAST_WEBHOOK_URL: 'https://h.test/#x' }, 'HOLDFAST_WEBHOOK_URL', /must have no fragment/],
    [{ HOLDFAST_WEBHOOK_URL: '' }, 'HOLDFAST_WEBHOOK_URL', /is required with/],
    [{ HOLDFAST_WEBHOOK_SECRET: '' }, 'HOLDFAST_WEBHOOK_SECRET', /is required with/],
    [{ HOLDFAST_WEBHOOK_SECRET: 'whsec_canary' }, 'HOLDFAST_WEBHOOK_SECRET', /entry 1 must be whsec_ and 24 to 64/],
    [{ HOLDFAST_WEBHOOK_SECRET: secret.slice(6) }, 'HOLDFAST_WEBHOOK_SECRET', /entry 1 must be whsec_/],
    [{ HOLDFAST_WEBHOOK_SECRET: `${secret},` }, 'HOLDFAST_WEBHOOK_SECRET', /entry 2 is empty/],
    [{ HOLDFAST_WEBHOOK_EVENTS: 'user_*,nonsense' }, 'HOLDFAST_WEBHOOK_EVENTS', /entry 2 is neither a kind/],
    [{ HOLDFAST_WEBHOOK_EVENTS: '*' }, 'HOLDFAST_WEBHOOK_EVENTS', /entry 1 is neither a kind/],
  ] as const)('refuse %o', (changes, variable, message) => {
    const [problem, ...others] = given(changes).problems ?? []
    assert.equal(problem?.variable, variable)
    assert.match(problem?.message ?? '', message)
    assert.deepEqual(others, [])
    assert.doesNotMatch(problem?.message ?? '', /canary/)
  })
})
