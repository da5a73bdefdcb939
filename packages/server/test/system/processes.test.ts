import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { sqliteStore } from 'holdfast/store/sqlite'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { assertProblem, type Client } from '../client.ts'
import { goodPassword, setupToken, temporaryFolder } from '../harness.ts'
import { defaults, run, type ServerProcess, serverProcess, until } from '../process.ts'
import { assertOauthError, pairFor, postForm } from '../routes/oauth.ts'

/** What DESIGN 2.3 promises between nodes, and a little for a busy machine. */
const boundMs = 1000
const slackMs = 500

let folder = ''
beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function administrator(server: ServerProcess): Promise<Client> {
  const client = server.client()
  await client.post('/auth/setup', { token: setupToken, username: 'root', password: goodPassword })
  await client.signIn('root', goodPassword)
  return client
}

describe('two servers on one file', () => {
  it('both know a session, and what one ends is dead on the other within the bound', async () => {
    await using one = await serverProcess(folder)
    await using two = await serverProcess(folder)
    const admin = await administrator(one)
    const there = two.client(admin.cookies)
    const ends: readonly (() => Promise<unknown>)[] = [
      () => admin.post('/auth/logout'),
      () => admin.post('/admin/everyone-out'),
      async () => admin.delete(`/admin/sessions/${(await admin.get('/auth/session')).json.session.id}`),
    ]
    for (const end of ends) {
      await admin.signIn('root', goodPassword)
      const copy = two.client(admin.cookies)
      assert.equal((await copy.get('/auth/session')).status, 200)
      await end()
      const took = await until(boundMs + slackMs, async () => (await copy.get('/auth/session')).status === 401)
      assert.ok(took < boundMs + slackMs)
      assertProblem(await copy.get('/auth/session'), 401, 'session-revoked')
    }
    assert.equal((await there.get('/auth/setup')).json.needed, false)
  })

  it('share accounts: who is disabled on one cannot sign in or act on the other', async () => {
    await using one = await serverProcess(folder)
    await using two = await serverProcess(folder)
    const admin = await administrator(one)
    const { json } = await admin.post('/admin/users', { username: 'alice', password: goodPassword })
    const alice = two.client()
    await alice.signIn('alice', goodPassword)
    assert.equal((await admin.patch(`/admin/users/${json.user.id}`, { disabled: true })).status, 200)
    // The account is read at each request, so this needs no waiting.
    assertProblem(await alice.get('/auth/user'), 401, 'session-revoked')
    assertProblem(
      await two.client().post('/auth/login', { username: 'alice', password: goodPassword }),
      401,
      'invalid-credentials',
    )
  })
})

describe('the trail of two servers on one file', () => {
  it('is one chain with every event of both, through their stop', async () => {
    await using one = await serverProcess(folder)
    await using two = await serverProcess(folder)
    const admin = await administrator(one)
    const refused = await Promise.all(
      Array.from({ length: 40 }, (_, at) =>
        (at % 2 === 0 ? one : two)
          .client()
          .post('/auth/setup', { token: 'wrong-token-wrong', username: 'x', password: goodPassword }),
      ),
    )
    assert.ok(refused.every(({ status }) => status >= 400))
    assert.equal((await admin.post('/auth/logout')).status, 204)
    assert.deepEqual(await Promise.all([one.end('SIGTERM'), two.end('SIGTERM')]), [0, 0])
    const { code, stdout, stderr } = await run(folder, ['events', 'verify'], defaults)
    assert.equal(code, 0, stderr)
    const logged = `${one.output()}${two.output()}`.split('\n').filter((line) => line.includes('"event":{'))
    assert.ok(logged.length > 40)
    assert.match(stdout, new RegExp(`^whole: ${logged.length} events$`, 'm'))
  })
})

/** Makes every rotation of a session half a minute older, as if so much time had passed since. */
async function waitOutTheGrace(session: string): Promise<void> {
  const store = sqliteStore(join(folder, 'data', 'holdfast.db'))
  const record = await store.get(session)
  if (record?.nonce == null || record.rotatedAt === null) throw new Error('nothing was rotated')
  const older = (rotation: string) => rotation.slice(0, 24) + (Number.parseInt(rotation.slice(24), 36) - 30_000).toString(36)
  const nonce = record.nonce.split('.').map(older).join('.')
  assert.ok(await store.replace({ ...record, nonce, rotatedAt: record.rotatedAt - 30_000 }, record.revision))
  await store[Symbol.asyncDispose]?.()
}

describe('a refresh token on two servers on one file', () => {
  it('gives 64 at once one successor; replayed later it ends the session on both, and on one that starts after', async () => {
    await using one = await serverProcess(folder)
    await using two = await serverProcess(folder)
    const { access, refresh: first, session } = await pairFor(await administrator(one))
    const exchange = (server: ServerProcess, token: string) =>
      postForm(server, '/oauth/token', { grant_type: 'refresh_token', refresh_token: token })
    const userBy = async (server: ServerProcess, token: string) =>
      (await server.client().get('/auth/user', { headers: { authorization: `Bearer ${token}` } })).status
    const answers = await Promise.all(Array.from({ length: 64 }, (_, at) => exchange(at % 2 === 0 ? one : two, first)))
    assert.ok(answers.every(({ status }) => status === 200))
    const [successor = '', ...others] = new Set(answers.map(({ json }) => json.refresh_token))
    assert.deepEqual(others, [])
    for (const server of [one, two]) assert.equal(await userBy(server, access), 200)

    await waitOutTheGrace(session)
    const replays = await Promise.all([one, two].map((server) => exchange(server, first)))
    for (const answer of replays) assertOauthError(answer, 400, 'invalid_grant')
    await until(boundMs + slackMs, async () => (await userBy(one, access)) === 401 && (await userBy(two, access)) === 401)
    await one.end('SIGKILL')
    await using three = await serverProcess(folder)
    for (const server of [two, three]) assertOauthError(await exchange(server, successor), 400, 'invalid_grant')
    assert.equal(await userBy(three, access), 401)
    assert.match(`${one.output()}${two.output()}`, /"kind":"authn_token_reuse"/)
  })
})

describe('a server that is killed', () => {
  it('keeps its sessions over kill -9, the ended ones ended', async () => {
    await using first = await serverProcess(folder)
    const kept = await administrator(first)
    const ended = first.client()
    await ended.signIn('root', goodPassword)
    const copy = ended.copy()
    assert.equal((await ended.post('/auth/logout')).status, 204)
    await first.end('SIGKILL')
    await using second = await serverProcess(folder)
    assert.equal((await second.client(kept.cookies).get('/auth/session')).status, 200)
    assertProblem(await second.client(copy.cookies).get('/auth/session'), 401, 'session-revoked')
  })
})

describe('a graceful stop', () => {
  it('ends with 0, says so, and keeps the sessions', async () => {
    await using server = await serverProcess(folder)
    const client = await administrator(server)
    assert.equal(await server.end('SIGTERM'), 0)
    await assert.rejects(server.client().get('/healthz'))
    assert.match(server.output(), /"msg":"Stopped"/)
    await using again = await serverProcess(folder)
    assert.equal((await again.client(client.cookies).get('/auth/session')).status, 200)
  })

  it('is not held up by an idle connection or by one that sends nothing', async () => {
    await using server = await serverProcess(folder)
    const { port, hostname } = new URL(server.address)
    const silent = connect(Number(port), hostname)
    const idle = connect(Number(port), hostname)
    await Promise.all([silent, idle].map((socket) => new Promise((resolve) => socket.once('connect', resolve))))
    idle.write('GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
    await new Promise((resolve) => idle.once('data', resolve))
    const start = performance.now()
    assert.equal(await server.end('SIGINT'), 0)
    assert.ok(performance.now() - start < 5000)
    silent.destroy()
    idle.destroy()
  })
})
