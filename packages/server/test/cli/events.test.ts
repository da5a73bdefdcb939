import assert from 'node:assert/strict'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createEventTrail } from 'holdfast/defence/event-trail'
import { sqliteStore } from 'holdfast/store/sqlite'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { temporaryFolder, testSecret } from '../harness.ts'
import { defaults, run } from '../process.ts'

let folder = ''
beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const inFolder = (args: readonly string[]) => run(folder, args, defaults)

function change(sql: string, ...values: string[]): void {
  const database = new DatabaseSync(join(folder, 'data/holdfast.db'))
  database.prepare(sql).run(...values)
  database.close()
}

async function someEvents(): Promise<void> {
  await mkdir(join(folder, 'data'), { mode: 0o700 })
  const store = sqliteStore(join(folder, 'data/holdfast.db'))
  const trail = createEventTrail({ log: store.eventLog, secrets: [testSecret] })
  const nothing = { session: null, subject: null, actor: null, ip: null, object: null, reason: null, outcome: null }
  for (let at = 1; at <= 3; at += 1) trail.record({ schema: 1, at, kind: 'user_created', ...nothing })
  await trail.close()
  await store[Symbol.asyncDispose]?.()
}

describe('events', () => {
  it('verify prints a head, which shows a cut end to the next run', async () => {
    await someEvents()
    const whole = await inFolder(['events', 'verify'])
    assert.match(whole.stdout, /^whole: 3 events\nhead: 3:[\w.-]+$/m)
    const head = /head: (.+)/.exec(whole.stdout)?.[1] ?? ''
    assert.equal((await inFolder(['events', 'verify', '--head', head])).code, 0)
    change('DELETE FROM holdfast_events WHERE sequence = (SELECT max(sequence) FROM holdfast_events)')
    assert.equal((await inFolder(['events', 'verify'])).code, 0)
    const cut = await inFolder(['events', 'verify', '--head', head])
    assert.equal(cut.code, 1)
    assert.match(cut.stderr, /broken at 3: end-missing/)
    assert.match(
      (await inFolder(['events', 'verify', '--head', 'x'])).stderr,
      /'--head <head>' argument 'x' is invalid. It must be one that/,
    )
  })

  it('that were changed are found by verify and by doctor', async () => {
    await someEvents()
    const checked = JSON.parse((await inFolder(['doctor', '--json'])).stdout).find(
      ({ check }: { check: string }) => check === 'events: chain',
    )
    assert.equal(checked.status, 'ok', checked.detail)
    change("UPDATE holdfast_events SET data = replace(data, 'schema', 'schemb') WHERE sequence = 2")
    const { code, stderr } = await inFolder(['events', 'verify'])
    assert.equal(code, 1)
    assert.match(stderr, /the chain of events is broken at 2: changed/)
    const doctor = await inFolder(['doctor'])
    assert.equal(doctor.code, 1)
    assert.match(doctor.stdout, /events: chain +failed +changed at 2/)
  })

  it('are printed so that none can steer a terminal', async () => {
    await someEvents()
    const hostile = JSON.stringify({ schema: 1, object: 'a\u001b[2J\n\u202eb\u009b\u2028', reason: 'forged\rINFO' })
    change('UPDATE holdfast_events SET data = ? WHERE sequence = 2', hostile)
    for (const more of [[], ['--json']]) {
      const { code, stdout } = await inFolder(['events', 'tail', '--no-follow', '-n', '2', ...more])
      assert.equal(code, 0)
      assert.equal(stdout.split('\n').length, 3)
      assert.doesNotMatch(stdout.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    }
    for (const [name, value] of [
      ['-n', 'x'],
      ['--lines', '1001'],
    ] as const) {
      const { code, stderr } = await inFolder(['events', 'tail', name, value])
      assert.equal(code, 1)
      assert.match(stderr, /'-n, --lines <count>' argument '\w+' is invalid\. It must be a whole number from 0 to 1000\.\n/)
    }
  })
})
