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

const newerSecret = 'Wd7kQ2mX-v9Rt4Yz_N6pH1sLc8Fg3JbUaTeVi5BoZxK0'

describe('doctor', () => {
  it('reads a file for its integrity once, whatever is kept in it', async () => {
    const { reads, statusOf } = await examined((folder) => ({ HOLDFAST_STORE: `sqlite:${databaseIn(folder)}` }))
    assert.equal(reads, 1)
    assert.deepEqual([statusOf('sessions: integrity'), statusOf('events: chain')], ['ok', 'ok'])
  })

  it('tells of names that look like settings and are passed over, and of none that Kubernetes injects', async () => {
    const injected = {
      HOLDFAST_SERVICE_HOST: '10.0.0.1',
      HOLDFAST_WEB_PORT_8787_TCP_ADDR: '10.0.0.1',
      HOLDFAST_PORT: 'tcp://10.0.0.1',
    }
    assert.equal((await examined(() => injected)).statusOf('configuration'), 'ok')
    const findings = await examine({ ...injected, HOLDFAST_TRUST_PROXY: '1', HOLDFAST_LOG_LEVEL: 'x' }, '/nowhere')
    assert.deepEqual(findings[0], {
      check: 'configuration',
      status: 'warning',
      detail: 'HOLDFAST_TRUST_PROXY, HOLDFAST_LOG_LEVEL: no setting of this version, and passed over',
    })
  })

  it('looks at the trail where sessions are kept elsewhere', async () => {
    const { reads, statusOf } = await examined((folder) => ({
      HOLDFAST_STORE: 'memory:',
      HOLDFAST_ACCOUNTS: `sqlite:${databaseIn(folder)}`,
    }))
    assert.equal(reads, 1)
    assert.equal(statusOf('events: chain'), 'ok')
  })

  it('counts the API keys in use that end with an older secret, or have ended with one', async () => {
    await using server = await testServer({ config: { importedKeys: true } })
    const root = await server.administrator()
    const { json } = await root.post('/auth/keys', { name: 'kept' })
    await root.post('/auth/keys', { name: 'kept, too' })
    await root.post('/admin/keys', { name: 'imported', owner: json.key.owner, token: 'vT7q-Zx2Lm9_Rk4bWn8sYc3HdPf6Ga1JeUo5' })
    const ended = await root.post('/auth/keys', { name: 'ended' })
    await root.delete(`/auth/keys/${ended.json.key.id}`)
    const found = async (secrets: string) => {
      const environment = { HOLDFAST_SECRET: secrets, HOLDFAST_STORE: `sqlite:${databaseIn(server.folder)}` }
      const findings = await examine(environment, server.folder)
      const { status, detail } = findings.find(({ check }) => check === 'API keys: secret') ?? assert.fail()
      return `${status}: ${detail}`
    }
    assert.equal(await found(testSecret), 'ok: 3 in use, none by an older secret')
    assert.match(await found(`${newerSecret},${testSecret}`), /^warning: 2 of 3 end when the older secret is taken out/)
    assert.match(await found(newerSecret), /^warning: 2 of 3 were signed by a secret that is not listed/)
  })
})
