import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, describe, it, vi } from 'vitest'
import { examine } from '../../src/doctor/examine.ts'
import { databaseIn, testSecret, testServer } from '../harness.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

/** Runs `doctor` beside a server that was set up; returns what it found and how often it read whole files. */
async function examined(environment: (folder: string) => Record<string, string>) {
  await using server = await testServer()
  await server.administrator()
  const prepare = vi.spyOn(DatabaseSync.prototype, 'prepare')
  const findings = await examine({ HOLDFAST_SECRET: testSecret, ...environment(server.folder) }, server.folder)
  const reads = prepare.mock.calls.filter(([sql]) => /integrity_check|quick_check/i.test(sql)).length
  const statusOf = (name: string) => findings.find(({ check }) => check === name)?.status
  return { reads, statusOf }
}

describe('doctor', () => {
  it('reads a file for its integrity once, whatever is kept in it', async () => {
    const { reads, statusOf } = await examined((folder) => ({ HOLDFAST_STORE: `sqlite:${databaseIn(folder)}` }))
    assert.equal(reads, 1)
    assert.deepEqual([statusOf('sessions: integrity'), statusOf('events: chain')], ['ok', 'ok'])
  })

  it('looks at the trail where sessions are kept elsewhere', async () => {
    const { reads, statusOf } = await examined((folder) => ({
      HOLDFAST_STORE: 'memory:',
      HOLDFAST_ACCOUNTS: `sqlite:${databaseIn(folder)}`,
    }))
    assert.equal(reads, 1)
    assert.equal(statusOf('events: chain'), 'ok')
  })
})
