import assert from 'node:assert/strict'
import type { Clock } from 'holdfast'
import { memoryStore } from 'holdfast/store/memory'
import { describe, it } from 'vitest'
import { openTrail, readBack } from '../../src/events.ts'
import { backgroundFaults } from '../../src/fault-log.ts'
import { createLogger } from '../../src/logging.ts'
import { retentionDays } from '../../src/sweeps.ts'
import { assertProblem, type Client, fieldsOf } from '../client.ts'
import { goodPassword, logSink, movableClock, temporaryFolder, testSecret, testServer } from '../harness.ts'

interface Item {
  readonly sequence: number
  readonly kind: string
  readonly subject: string | null
  readonly hash: string
}

async function everything(client: Client, query = ''): Promise<Item[]> {
  const found: Item[] = []
  for (let next = ''; ; ) {
    const answer = await client.get(`/admin/events?limit=3${query}${next}`)
    assert.equal(answer.status, 200, answer.text)
    found.push(...answer.json.items)
    if (answer.json.next === undefined) return found
    next = `&cursor=${answer.json.next}`
  }
}

describe('security events over HTTP', () => {
  it('are all there, newest first, page by page, without a name as typed', async () => {
    // Its timers never fire: what is read has to be written by the reading.
    await using server = await testServer({ overrides: { clock: movableClock() } })
    const { id } = await server.user('alice')
    await server.client().post('/auth/login', { username: 'canary-name', password: 'canary-password' })
    const root = server.client()
    await root.signIn('root', goodPassword)
    await root.post('/auth/keys', { name: 'backup' })
    const found = await everything(root)
    assert.deepEqual(
      found.map(({ sequence }) => sequence),
      found.map((_, at) => found.length - at),
    )
    const kinds = found.map(({ kind }) => kind)
    for (const kind of ['user_created', 'session_created', 'authn_login_success', 'authn_login_fail', 'api_key_created']) {
      assert.ok(kinds.includes(kind), kind)
    }
    assert.equal(kinds[0], 'api_key_created')
    assert.doesNotMatch(JSON.stringify(found), /canary/)
    const logged = server.log.lines().filter((line) => 'event' in line)
    assert.equal(found.length, logged.length)

    const failed = await everything(root, '&kind=authn_login_fail')
    assert.deepEqual(
      failed.map(({ kind }) => kind),
      ['authn_login_fail'],
    )
    const hers = await everything(root, `&subject=${id}`)
    assert.deepEqual(
      hers,
      found.filter(({ subject }) => subject === id),
    )
    assert.ok(hers.length > 1)
    assert.deepEqual(await server.services.events.verify(), {
      whole: true,
      events: found.length,
      head: { sequence: found.length, hash: found[0]?.hash },
    })
  })

  it('outlive the server: what it still held is appended when it stops, and the next one goes on behind', async () => {
    const folder = await temporaryFolder()
    const first = await testServer({ folder, overrides: { clock: movableClock() } })
    await first.administrator()
    assert.ok(first.services.events.waiting > 0)
    await first.stop()
    await using second = await testServer({ folder })
    const before = await everything(await second.administrator(), '&kind=authn_login_success')
    assert.equal(before.length, 2)
    const verdict = await second.services.events.verify()
    assert.equal(verdict.whole, true)
  })

  it('refuse a kind, a cursor and a limit that are none, by name', async () => {
    await using server = await testServer()
    const root = await server.administrator()
    for (const [field, query] of [
      ['kind', 'kind=nonsense'],
      ['cursor', 'cursor=0'],
      ['cursor', 'cursor=1e3'],
      ['limit', 'limit=0'],
      ['limit', 'limit=201'],
      ['subject', 'subject='],
    ] as const) {
      const answer = await root.get(`/admin/events?${query}`)
      assertProblem(answer, 400, 'invalid-request')
      assert.deepEqual(fieldsOf(answer), [field])
    }
    assert.deepEqual((await root.get('/admin/events?cursor=1')).json, { items: [] })
  })
})

/** A clock whose timers fire when they are told to. */
function drivenClock(): Clock & { pass(ms: number): Promise<void> } {
  let time = Date.UTC(2026, 10, 21, 9)
  let timers: { readonly at: number; readonly run: () => void }[] = []
  return {
    now: () => time,
    after(ms, run) {
      const timer = { at: time + ms, run }
      timers.push(timer)
      return () => {
        timers = timers.filter((other) => other !== timer)
      }
    },
    async pass(ms) {
      time += ms
      const due = timers.filter(({ at }) => at <= time)
      timers = timers.filter(({ at }) => at > time)
      for (const { run } of due) run()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

describe('the retention of security events', () => {
  it('deletes those that are older, says so in the trail, and leaves a whole chain', async () => {
    const clock = drivenClock()
    const log = memoryStore().eventLog
    const logger = createLogger({ format: 'json', level: 'warn' }, logSink().stream)
    const { trail, close } = openTrail({ log, secret: [testSecret], clock, onFault: backgroundFaults(logger) })
    const nothing = { session: null, subject: null, actor: null, ip: null, object: null, reason: null, outcome: null }
    const record = () => trail.record({ schema: 1, at: clock.now(), kind: 'authn_login_fail', ...nothing })
    record()
    record()
    await trail.flush()
    await clock.pass(retentionDays * 86_400_000 - 1)
    record()
    await trail.flush()
    assert.equal((await log.read({ limit: 10 })).length, 3)
    await clock.pass(3_600_000)
    const left = await log.read({ limit: 10 })
    assert.deepEqual(
      left.map(({ sequence, kind }) => [sequence, kind]),
      [
        [3, 'authn_login_fail'],
        [4, 'events_swept'],
      ],
    )
    assert.equal((await trail.verify()).whole, true)
    assert.deepEqual(await readBack(log, {}, 10), { items: left.toReversed(), next: undefined })
    await close()
  })
})
