import assert from 'node:assert/strict'
import { createHoldfast } from 'holdfast'
import { memoryStore } from 'holdfast/store/memory'
import { describe, it } from 'vitest'
import { readConfig } from '../../src/config/config.ts'
import { holdfastOptions } from '../../src/services.ts'
import { testSecret } from '../harness.ts'

describe('policies to try', () => {
  const policies = ['off', 'log', 'step-up', 'deny', 'revoke'] as const
  const names = { fingerprint: 'fingerprint', 'ip-change': 'ipChange' } as const
  const named = Object.entries(names).flatMap(([name, option]) => policies.map((policy) => ({ name, option, policy })))
  it.each(named)('are those that are stricter than what the server does, $name:$policy too', ({ name, option, policy }) => {
    const { problems } = readConfig({ HOLDFAST_SHADOW: `${name}:${policy}` }, '/nowhere')
    const nothing = readConfig({}, '/nowhere')
    assert.ok(nothing.config)
    const options = holdfastOptions(nothing.config)
    const start = () => {
      const store = memoryStore()
      return createHoldfast({ ...options, secret: testSecret, store, shadow: { [option]: policy } })
    }
    if (problems === undefined) assert.doesNotThrow(start)
    else assert.throws(start, /shadow/)
  })
})
