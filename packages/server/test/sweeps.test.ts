import assert from 'node:assert/strict'
import { fakeClock } from 'holdfast/testing'
import { describe, it } from 'vitest'
import { retentionDays, sweepApiKeys } from '../src/sweeps.ts'
import { testServer } from './harness.ts'

const day = 86_400_000
const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('API keys that ended', () => {
  it('are deleted after as long as the events that tell of them, and others stay', async () => {
    const clock = fakeClock()
    await using server = await testServer({ overrides: { clock } })
    const { apiKeys } = server.services
    const create = async (name: string, expiresAt: number | null) =>
      (await apiKeys.create({ owner: 'alice', name, scopes: [], networks: [], expiresAt })).key.id
    const names = async () => (await apiKeys.list({ limit: 10 })).items.map(({ name }) => name).sort()
    await create('expires', clock.now() + day)
    await apiKeys.revoke(await create('revoked', null))
    await create('stays', null)
    // The next turn of the sweep is set when the one before has ended.
    const pass = async (ms: number) => {
      for (const part of [ms, 3_600_000]) {
        clock.advance(part)
        await turn()
      }
    }
    await pass(retentionDays * day)
    assert.deepEqual(await names(), ['expires', 'stays'])
    await pass(day)
    assert.deepEqual(await names(), ['stays'])
  })

  it('are tried again after a fault, and no more once the server has stopped', async () => {
    const clock = fakeClock()
    const faults: unknown[] = []
    let calls = 0
    const sweep = async () => {
      calls += 1
      if (calls === 1) throw new Error('away')
      return calls === 2 ? 500 : 0
    }
    const stop = sweepApiKeys({ sweep }, clock, (fault) => void faults.push(fault))
    clock.advance(60_000)
    await turn()
    assert.deepEqual([calls, faults.length], [1, 1])
    clock.advance(3_600_000)
    await turn()
    assert.equal(calls, 3)
    stop()
    clock.advance(day)
    await turn()
    assert.equal(calls, 3)
  })
})
