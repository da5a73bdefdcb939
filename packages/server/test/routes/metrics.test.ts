import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { HoldfastError } from 'holdfast'
import { memoryStore } from 'holdfast/store/memory'
import { describe, it } from 'vitest'
import { assertProblem, type Client } from '../client.ts'
import { openEvents } from '../event-stream.ts'
import { goodPassword, testServer } from '../harness.ts'

/** The value of a series; undefined when there is none. */
function sampleOf(text: string, series: string): number | undefined {
  const line = text.split('\n').find((line) => line.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}

async function scraped(client: Client): Promise<string> {
  const answer = await client.get('/metrics')
  assert.equal(answer.status, 200, answer.text)
  assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  return answer.text
}

async function keyOf(client: Client, scopes: readonly string[]): Promise<string> {
  const answer = await client.post('/auth/keys', { name: 'prometheus', scopes })
  assert.equal(answer.status, 201, answer.text)
  return answer.json.token
}

/** Exit code and complaints of Prometheus' own checker. */
function promtool(text: string): Promise<{ readonly code: number | null; readonly said: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('promtool', ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] })
    const said: string[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => said.push(String(chunk)))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, said: said.join('') }))
    child.stdin.end(text)
  })
}

describe('who may read the metrics', () => {
  it('is an administrator, or a program with a key of one that is for it, and nobody else on this machine either', async () => {
    await using server = await testServer()
    const { client: alice } = await server.user('alice')
    const root = server.client()
    await root.signIn('root', goodPassword)
    assertProblem(await server.client().get('/metrics'), 401, 'session-required')
    assertProblem(await alice.get('/metrics'), 403, 'forbidden')
    await scraped(root)

    const program = (token: string) => server.client().get('/metrics', { headers: { authorization: `Bearer ${token}` } })
    const key = await keyOf(root, ['metrics'])
    assert.equal((await program(key)).status, 200)
    assertProblem(await program(await keyOf(root, ['other'])), 403, 'forbidden')
    assertProblem(await program(await keyOf(alice, ['metrics'])), 403, 'forbidden')
    assertProblem(await program(`${key.slice(0, -1)}~`), 401, 'api-key-required')
    assertProblem(await program(''), 401, 'session-required')
    assertProblem(await program('nonsense'), 401, 'api-key-required')
    assert.match(server.log.text(), /"kind":"authz_fail".*GET \/metrics/)

    await root.post('/admin/users', { username: 'other', password: goodPassword, role: 'admin' })
    const id = (await root.get('/auth/user')).json.user.id
    const other = server.client()
    await other.signIn('other', goodPassword)
    assert.equal((await other.patch(`/admin/users/${id}`, { role: 'user' })).status, 200)
    assertProblem(await program(key), 403, 'forbidden')
  })
})

describe('the metrics', () => {
  it('count requests by route and class, verdicts, events and hashes', async () => {
    await using server = await testServer()
    const root = await server.administrator()
    await root.post('/auth/login', { username: 'root', password: 'not the password at all' })
    await root.get(`/admin/sessions/${'A'.repeat(24)}`)
    await root.get('/canary-path/4711')
    await root.get('/admin/sessions')
    const text = await scraped(root)
    for (const [series, value] of [
      ['holdfast_http_requests_total{method="POST",route="/auth/login",status="2xx"}', 1],
      ['holdfast_http_requests_total{method="POST",route="/auth/login",status="4xx"}', 1],
      ['holdfast_http_requests_total{method="GET",route="/admin/sessions/:id",status="4xx"}', 1],
      ['holdfast_http_requests_total{method="GET",route="none",status="4xx"}', 1],
      ['holdfast_http_request_duration_seconds_count{method="GET",route="/admin/sessions",status="2xx"}', 1],
      ['holdfast_http_requests_in_flight', 1],
      ['holdfast_security_events_total{kind="authn_login_success"}', 1],
      ['holdfast_security_events_total{kind="authn_login_fail"}', 1],
      ['holdfast_security_events_total{kind="authn_login_lock"}', 0],
      ['holdfast_store_circuit{calls="reads",state="closed"}', 1],
      ['holdfast_store_circuit{calls="reads",state="open"}', 0],
      ['holdfast_cache_sessions', 1],
      ['holdfast_password_hashes_waiting', 0],
      ['holdfast_event_trail_lost_total', 0],
      ['holdfast_revocation_lag_seconds', Number.NaN],
    ] as const) {
      assert.deepEqual([series, sampleOf(text, series)], [series, value])
    }
    assert.ok((sampleOf(text, 'holdfast_verdicts_total{verdict="live",reason="none"}') ?? 0) >= 3)
    // A second scrape reads counts anew and adds nothing to them.
    const again = await scraped(root)
    assert.equal(sampleOf(again, 'holdfast_security_events_total{kind="authn_login_success"}'), 1)
  })

  it('count the live connections, until their session ends', async () => {
    await using server = await testServer()
    const root = await server.administrator()
    const watcher = server.client()
    await watcher.signIn('root', goodPassword)
    const live = async () => sampleOf(await scraped(root), 'holdfast_live_connections')
    assert.equal(await live(), 0)
    const [one, other] = [await openEvents(watcher, '/admin/events'), await openEvents(watcher, '/admin/events')]
    assert.equal(await live(), 2)
    assert.equal((await watcher.post('/auth/logout')).status, 204)
    assert.equal(await live(), 0)
    for (const reader of [one, other]) reader.close()
  })

  it('hold nothing of any client, and no series that one could make', async () => {
    await using server = await testServer()
    const root = await server.administrator()
    const before = (await scraped(root)).split('\n').length
    for (let at = 0; at < 20; at += 1) {
      await root.get(`/canary-${at}?canary=${at}`, { headers: { 'user-agent': `canary-${at}` } })
      await root.post('/auth/login', { username: `canary-${at}`, password: 'canary' })
    }
    const text = await scraped(root)
    assert.ok(text.split('\n').length < before + 60, 'a bounded number of new series')
    assert.doesNotMatch(text, /canary|root|127\.0\.0\.1/)
    for (const cookie of root.cookies.values()) assert.ok(!text.includes(cookie))
  })

  it('tell of a store that is away', async () => {
    const store = memoryStore()
    let isAway = false
    const faulty = {
      ...store,
      get: (id: string) => {
        if (isAway) throw new HoldfastError('store-unavailable')
        return store.get(id)
      },
    }
    await using server = await testServer({ overrides: { store: faulty as never, engine: { maxStaleness: 0 } } })
    const root = await server.administrator()
    isAway = true
    assert.equal((await root.get('/auth/user')).status, 503)
    isAway = false
    const text = await scraped(root)
    assert.ok((sampleOf(text, 'holdfast_store_faults_total{calls="reads"}') ?? 0) >= 1)
    assert.ok((sampleOf(text, 'holdfast_verdicts_total{verdict="unknown",reason="store-unavailable"}') ?? 0) >= 1)
  })

  it('pass the checker of Prometheus', async () => {
    await using server = await testServer()
    const root = await server.administrator()
    const { code, said } = await promtool(await scraped(root))
    assert.deepEqual([said, code], ['', 0])
  })
})
