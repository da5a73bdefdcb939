import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import type { EventInput, EventKind } from 'holdfast'
import { createEventTrail } from 'holdfast/defence/event-trail'
import { memoryStore } from 'holdfast/store/memory'
import { fakeClock } from 'holdfast/testing'
import { describe, it } from 'vitest'
import { sqliteAccounts } from '../../src/accounts/sqlite.ts'
import { everyEvent, type WebhookSetting, webhookSecrets } from '../../src/config/webhook.ts'
import { headersOf } from '../../src/webhook/message.ts'
import { createWebhook } from '../../src/webhook/webhook.ts'
import { temporaryFolder, testSecret, testServer } from '../harness.ts'
import { isSigned, type Receiver, receiver } from './receiver.ts'

const newer = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const older = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

function settingFor(url: string, changes: Partial<WebhookSetting> = {}): WebhookSetting {
  const parsed = webhookSecrets(`${newer},${older}`)
  assert.ok(parsed.ok)
  return { url, secrets: parsed.value, events: everyEvent, ...changes }
}

const nothing = { session: null, subject: null, actor: null, ip: null, object: null, reason: null, outcome: null }

/** One trail and one place for cursors, and nodes over them. */
function world() {
  const clock = fakeClock()
  const log = memoryStore().eventLog
  const trail = createEventTrail({ log, secrets: [testSecret], clock })
  const accounts = sqliteAccounts(':memory:')
  const { cursors } = accounts
  const told: EventInput[] = []
  const faults: unknown[] = []
  const node = (setting: WebhookSetting, more: { deadlineMs?: number } = {}) =>
    createWebhook({
      setting,
      cursors,
      log,
      clock,
      now: () => clock.now(),
      tell: (event) => void told.push(event),
      onFault: (fault) => void faults.push(fault),
      ...more,
    })
  return {
    clock,
    log,
    trail,
    cursors,
    told,
    faults,
    node,
    loseStore: async () => accounts.close(),
    async record(object: string, kind: EventKind = 'user_created'): Promise<void> {
      trail.record({ ...nothing, schema: 1, at: clock.now(), kind, object })
      await trail.flush()
    },
  }
}

/** Lets time pass until it is so. */
async function until(clock: ReturnType<typeof fakeClock>, isSo: () => boolean, what: string): Promise<void> {
  for (let turn = 0; turn < 5000; turn += 1) {
    if (isSo()) return
    clock.advance(250)
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.fail(`never: ${what}`)
}

/** A world with a node that delivers to the receiver. */
async function delivering(
  hook: Receiver,
  changes: Partial<WebhookSetting> = {},
  more: { deadlineMs?: number } = {},
  w = world(),
) {
  const webhook = w.node(settingFor(hook.url, changes), more)
  webhook.start()
  await until(w.clock, () => webhook.stats.holds, 'holds')
  return { w, webhook }
}

const objects = ({ got }: Receiver) => got.map(({ json }) => json.data.object)

describe('a message', () => {
  it('is signed as the specification signs its example', () => {
    const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body: '{"test": 2432232314}' }
    const secret = Buffer.from(older.slice('whsec_'.length), 'base64')
    const headers = headersOf(message, 1_614_265_330, [secret])
    assert.equal(headers['webhook-signature'], 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
  })
})

describe('the webhook', () => {
  it('posts each event of its kinds once, in order, signed by each secret, from its first start on', async () => {
    await using hook = await receiver()
    const w = world()
    await w.record('before')
    const { webhook } = await delivering(hook, { events: new Set(['user_created', 'webhook_lost']) }, {}, w)
    await w.record('one')
    await w.record('other', 'user_deleted')
    await w.record('two')
    await until(w.clock, () => hook.got.length === 2, 'two came')
    assert.deepEqual(objects(hook), ['one', 'two'])
    const [first] = hook.got
    assert.ok(first)
    assert.equal(first.path, '/hook')
    assert.deepEqual(Object.keys(first.json), ['type', 'timestamp', 'data'])
    assert.equal(first.json.type, 'user_created')
    assert.equal(first.json.data.sequence, 2)
    assert.match(String(first.headers['webhook-id']), /^evt_[\w-]+$/)
    assert.deepEqual(
      [await isSigned(first, newer), await isSigned(first, older), await isSigned(first, `whsec_${'A'.repeat(32)}`)],
      [true, true, false],
    )
    assert.equal(await isSigned({ ...first, body: first.body.replace('one', 'two') }, newer), false)
    await until(w.clock, () => webhook.stats.behind === 0, 'caught up')
    await webhook.stop()
    assert.deepEqual({ ...webhook.stats, holds: true }, { holds: true, delivered: 2, failures: 0, lost: 0, behind: 0 })
    assert.deepEqual(w.faults, [])
  })

  it('repeats under the same id until it is taken, waits longer each time, and tells of an outage once', async () => {
    await using hook = await receiver()
    const { w, webhook } = await delivering(hook)
    const at: number[] = []
    hook.answer = (response, count) => {
      at.push(w.clock.now())
      response.writeHead(count < 6 ? 500 : 204).end('what the receiver says is nobody’s business')
    }
    await w.record('one')
    await until(w.clock, () => webhook.stats.delivered === 1, 'delivered')
    assert.equal(new Set(hook.got.map(({ headers }) => headers['webhook-id'])).size, 1)
    assert.equal(webhook.stats.failures, 5)
    assert.deepEqual(w.told, [{ kind: 'webhook_failing', reason: 'status-500' }])
    const waits = at.slice(1).map((time, index) => time - (at[index] ?? 0))
    for (const [index, wait] of waits.entries()) assert.ok(wait >= 500 * 2 ** index, `wait ${index}: ${wait}`)
    await webhook.stop()
  })

  it('waits as long as the receiver asks', async () => {
    await using hook = await receiver()
    const { w, webhook } = await delivering(hook)
    const at: number[] = []
    hook.answer = (response, count) => {
      at.push(w.clock.now())
      response.writeHead(count === 1 ? 429 : 204, { 'retry-after': '60' }).end()
    }
    await w.record('one')
    await until(w.clock, () => webhook.stats.delivered === 1, 'delivered')
    assert.ok((at[1] ?? 0) - (at[0] ?? 0) >= 60_000)
    await webhook.stop()
  })

  it('follows no redirect and waits for no answer for ever', async () => {
    await using hook = await receiver()
    await using elsewhere = await receiver()
    const { w, webhook } = await delivering(hook, {}, { deadlineMs: 50 })
    hook.answer = (response, count) => {
      if (count === 1) response.writeHead(307, { location: elsewhere.url }).end()
      else if (count > 2) response.writeHead(204).end()
    }
    await w.record('one')
    await until(w.clock, () => webhook.stats.failures === 1, 'refused a redirect')
    // The second attempt hangs: real time ends it, so no turn of the event loop is counted.
    for (; hook.got.length < 2; w.clock.advance(250)) await new Promise((resolve) => setImmediate(resolve))
    while (webhook.stats.failures < 2) await new Promise((resolve) => setImmediate(resolve))
    await until(w.clock, () => webhook.stats.delivered === 1, 'delivered')
    assert.deepEqual([elsewhere.got.length, hook.got.length], [0, 3])
    assert.deepEqual(
      w.told.map(({ reason }) => reason),
      ['status-307'],
    )
    await webhook.stop()
  })

  it('goes on where the last one was, also one that was killed, and one node alone posts', async () => {
    await using hook = await receiver()
    const w = world()
    const first = w.node(settingFor(hook.url))
    first.start()
    await until(w.clock, () => first.stats.holds, 'holds')
    const second = w.node(settingFor(hook.url))
    second.start()
    await w.record('one')
    await until(w.clock, () => first.stats.delivered === 1, 'delivered by the first')
    assert.equal(second.stats.holds, false)
    await first.stop()
    await w.record('two')
    await until(w.clock, () => second.stats.delivered === 1, 'delivered by the second')
    await second.stop()
    // Killed without a word: its lease has to end first.
    assert.equal(
      await w.cursors.claim('webhook', { holder: 'dead', now: w.clock.now(), until: w.clock.now() + 30_000, start: 0 }),
      2,
    )
    await w.record('three')
    const third = w.node(settingFor(hook.url))
    third.start()
    await until(w.clock, () => third.stats.delivered === 1, 'delivered by the third')
    await third.stop()
    assert.deepEqual(objects(hook), ['one', 'two', 'three'])
  })

  it('loses nothing and changes no order when a stop of the server cuts a delivery', async () => {
    await using hook = await receiver()
    const folder = await temporaryFolder()
    const config = { webhook: settingFor(hook.url, { events: new Set<EventKind>(['user_created']) }) }
    const start = async () => {
      const clock = fakeClock()
      const server = await testServer({ folder, config, overrides: { clock } })
      await until(clock, () => server.services.webhook.stats.holds, 'holds')
      return { clock, server, tell: (object: string) => server.services.securityLog({ kind: 'user_created', object }) }
    }
    try {
      const first = await start()
      // The third is never answered: the stop cuts it, whether or not the receiver has it.
      hook.answer = (response, at) => void (at === 3 || response.writeHead(204).end())
      for (const object of ['one', 'two', 'cut', 'behind it']) first.tell(object)
      await until(first.clock, () => hook.got.length === 3, 'the third came')
      const stopped = first.server.stop()
      first.tell('at the stop')
      await stopped
      const { delivered, failures } = first.server.services.webhook.stats
      assert.deepEqual([delivered, failures, first.server.log.text().includes('webhook_failing')], [2, 0, false])
      const second = await start()
      await using _ = second.server
      second.tell('after it')
      await until(second.clock, () => hook.got.length === 7, 'the rest came')
      assert.deepEqual(objects(hook), ['one', 'two', 'cut', 'cut', 'behind it', 'at the stop', 'after it'])
      const ids = hook.got.map(({ headers }) => headers['webhook-id'])
      assert.equal(ids[2], ids[3])
      assert.equal(new Set(ids).size, 6)
      assert.equal(second.server.services.webhook.stats.lost, 0)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('counts and tells what the retention took before the receiver did', async () => {
    await using hook = await receiver()
    const { w, webhook } = await delivering(hook)
    hook.answer = (response) => response.writeHead(503).end()
    for (const object of ['one', 'two', 'three']) await w.record(object)
    await until(w.clock, () => webhook.stats.failures > 0, 'failed')
    w.clock.advance(1)
    const now = w.clock.now()
    await w.record('four')
    await w.trail.sweep(now)
    hook.answer = (response) => response.writeHead(204).end()
    await until(w.clock, () => webhook.stats.delivered >= 2, 'delivered')
    assert.equal(webhook.stats.lost, 3)
    assert.deepEqual(w.told.at(-1), { kind: 'webhook_lost', outcome: '3' })
    await webhook.stop()
  })

  it('outlives faults of the store', async () => {
    await using hook = await receiver()
    const w = world()
    await w.loseStore()
    const webhook = w.node(settingFor(hook.url))
    webhook.start()
    await until(w.clock, () => w.faults.length > 1, 'tried again')
    assert.equal((w.faults[0] as { code: string }).code, 'store-unavailable')
    await webhook.stop()
  })

  it('is started with the server, and no secret of it is in any output', async () => {
    await using hook = await receiver()
    const clock = fakeClock()
    await using server = await testServer({ overrides: { clock }, config: { webhook: settingFor(hook.url) } })
    await until(clock, () => server.services.webhook.stats.holds, 'holds')
    const root = await server.administrator()
    await until(clock, () => hook.got.some(({ json }) => json.type === 'authn_login_success'), 'a sign-in came')
    const metrics = (await root.get('/metrics')).text
    assert.match(metrics, /^holdfast_webhook_delivering 1$/m)
    const output = metrics + server.log.text() + hook.got.map(({ body }) => body).join('')
    for (const secret of [newer, older]) assert.ok(!output.includes(secret.slice(10, 30)))
  })
})
