import assert from 'node:assert/strict'
import { randomFillSync } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { sqliteStore } from 'holdfast/store/sqlite'
import { describe, it, onTestFinished } from 'vitest'
import { assertProblem, Client } from '../client.ts'
import { databaseIn, goodPassword, setupToken, temporaryFolder, testServer } from '../harness.ts'
import { until } from '../process.ts'
import { stateOf } from '../state.ts'

describe('a locked database', () => {
  it('is "cannot tell": 503 with Retry-After, cookies untouched, nothing half done, and all works again afterwards', async () => {
    await using server = await testServer()
    const { client } = await server.user('alice')
    const admin = server.client()
    await admin.signIn('root', goodPassword)
    const users = (await admin.get('/admin/users')).text
    const sessions = (await server.services.holdfast.list()).items.length
    const lock = new DatabaseSync(databaseIn(server.folder))
    lock.exec('BEGIN IMMEDIATE')
    const refused = [
      await server.client().post('/auth/login', { username: 'alice', password: goodPassword }),
      await client.post('/auth/password', { currentPassword: goodPassword, newPassword: 'seven quiet lamps glow' }),
      await admin.post('/admin/users', { username: 'new', password: goodPassword }),
    ]
    for (const answer of refused) {
      assertProblem(answer, 503, 'store-unavailable')
      assert.ok(Number(answer.headers.get('retry-after')) >= 1)
      assert.deepEqual(answer.setCookies, [])
    }
    // Reading goes on under another's write lock.
    assert.equal((await client.get('/auth/session')).status, 200)
    lock.exec('ROLLBACK')
    lock.close()
    assert.equal((await admin.get('/admin/users')).text, users)
    assert.equal((await server.services.holdfast.list()).items.length, sessions)
    await server.client().signIn('alice', goodPassword)
    assert.equal((await client.get('/auth/session')).status, 200)
  })
})

describe('a full disk', () => {
  it('is "cannot tell" for what needs room: no session is lost or revived, and with room all works again', async () => {
    const folder = await temporaryFolder()
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const store = sqliteStore({ path: databaseIn(folder), maxBytes: 2 ** 20 })
    await using server = await testServer({ folder, overrides: { store, engine: { sessionsPerSubject: 'unlimited' } } })
    const { client, id } = await server.user('alice')
    const ended = client.copy()
    await client.signIn('alice', goodPassword)
    const leaving = server.client()
    await leaving.signIn('alice', goodPassword)
    const copy = leaving.copy()
    const { holdfast } = server.services
    const fill = async (filler: string) => {
      for (;;) await holdfast.issueAnonymous({ attributes: { filler } })
    }
    for (const length of [8000, 0]) await assert.rejects(fill('x'.repeat(length)), { code: 'store-unavailable' })
    const signIn = async () => {
      const before = stateOf(server)
      const answer = await server.client().post('/auth/login', { username: 'root', password: goodPassword })
      return { answer, before, after: stateOf(server) }
    }
    // Some still find a place between the others.
    let last = await signIn()
    for (let count = 0; count < 50 && last.answer.status === 200; count += 1) last = await signIn()
    assertProblem(last.answer, 503, 'store-unavailable')
    assert.ok(Number(last.answer.headers.get('retry-after')) >= 1)
    assert.deepEqual([last.answer.setCookies, last.after], [[], last.before])
    assert.match(String((await leaving.post('/auth/logout')).status), /^(204|503)$/)
    const states = async () => [
      (await client.get('/auth/session')).status,
      (await ended.get('/auth/session')).json.code,
      (await copy.get('/auth/session')).json.code,
    ]
    const expected = [200, 'session-revoked', 'session-revoked']
    assert.deepEqual(await states(), expected)
    const room = new DatabaseSync(databaseIn(folder))
    room.exec('DELETE FROM holdfast_sessions WHERE subject IS NULL')
    room.close()
    await until(5000, async () => (await holdfast.list({ subject: id })).items.length === 1)
    await server.client().signIn('alice', goodPassword)
    assert.deepEqual(await states(), expected)
  })
})

describe('a source of randomness that fails', () => {
  it.each<[string, (bytes: Uint8Array) => void]>([
    ['throws', () => assert.fail('the source is gone')],
    ['gives zeros', (bytes) => void bytes.fill(0)],
  ])('because it %s is 503 with a longer wait: cookies untouched, nothing changed, checks go on', async (_how, broken) => {
    await using first = await testServer()
    const { client } = await first.user('alice')
    const { refresh_token: refresh } = (await client.post('/auth/tokens')).json
    let fill = broken
    // Another node: nothing was drawn there before.
    const { folder } = first
    await using server = await testServer({ folder, overrides: { engine: { random: (bytes) => fill(bytes) } } })
    const here = new Client(server.address, client.cookies)
    const before = stateOf(server)
    for (const answer of [
      await server.client().post('/auth/login', { username: 'alice', password: goodPassword }),
      await here.post('/auth/reauthenticate', { password: goodPassword }),
      await here.post('/auth/tokens'),
      await here.post('/auth/refresh', { refresh_token: refresh }),
    ]) {
      assertProblem(answer, 503, 'crypto-unavailable')
      assert.equal(answer.headers.get('retry-after'), '5')
      assert.deepEqual(answer.setCookies, [])
    }
    assert.equal((await here.get('/auth/session')).status, 200)
    assert.deepEqual(stateOf(server), before)
    fill = (bytes) => void randomFillSync(bytes)
    await server.client().signIn('alice', goodPassword)
    assert.equal((await here.post('/auth/refresh', { refresh_token: refresh })).status, 200)
  })
})

describe('a revocation that cannot be recorded', () => {
  it('is told as 503, holds here at once, and is recorded when the store is back', async () => {
    await using server = await testServer()
    const admin = await server.administrator()
    const copy = admin.copy()
    const lock = new DatabaseSync(databaseIn(server.folder))
    lock.exec('BEGIN IMMEDIATE')
    const answer = await admin.post('/auth/logout')
    assertProblem(answer, 503, 'store-unavailable')
    assert.equal(admin.sessionToken, undefined)
    assertProblem(await copy.get('/auth/session'), 401, 'session-revoked')
    lock.exec('ROLLBACK')
    lock.close()
    const store = sqliteStore(databaseIn(server.folder))
    try {
      await until(5000, async () =>
        (await store.list({ liveAt: Date.now(), limit: 10 })).items.every(({ revokedAt }) => revokedAt !== null),
      )
    } finally {
      await store[Symbol.asyncDispose]?.()
    }
  })
})

describe('stores that fail', () => {
  it('make a request 503 and the server not ready, while it stays alive', async () => {
    await using server = await testServer()
    const { client } = await server.user('alice')
    await server.services.accounts.close()
    assertProblem(await client.get('/auth/user'), 503, 'store-unavailable')
    assertProblem(
      await server.client().post('/auth/login', { username: 'alice', password: goodPassword }),
      503,
      'store-unavailable',
    )
    assertProblem(await server.client().get('/readyz'), 503, 'store-unavailable')
    assert.equal((await server.client().get('/healthz')).status, 200)
  })

  it('never turn a fault into a sign-out when an account cannot be read', async () => {
    await using server = await testServer()
    const { client } = await server.user('alice')
    const token = client.sessionToken
    await server.services.accounts.close()
    const answer = await client.get('/auth/user')
    assert.deepEqual(answer.setCookies, [])
    assert.equal(client.sessionToken, token)
  })
})

/** A hasher whose verifications end when they are let go; `begun` says that one waits. */
function heldHasher() {
  let letGo = () => {}
  let begin = () => {}
  const held = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  const hasher = {
    hash: async () => 'hash',
    verify: async () => {
      begin()
      await held
      return true
    },
    isOutdated: () => false,
    load: () => ({ running: 0, waiting: 0, refused: 0 }),
  }
  return { hasher, begun, letGo: () => letGo() }
}

describe('stopping', () => {
  it('waits for what is under way and answers it, taking nothing new', async () => {
    const { hasher, begun, letGo } = heldHasher()
    await using server = await testServer({ overrides: { passwords: hasher } })
    await server.client().post('/auth/setup', { token: setupToken, username: 'root', password: goodPassword })
    const client = server.client()
    const signingIn = client.post('/auth/login', { username: 'root', password: goodPassword })
    await begun
    let stopped = false
    const stopping = server.stop().then(() => {
      stopped = true
    })
    await assert.rejects(server.client().get('/healthz'))
    assert.equal(stopped, false)
    letGo()
    const answer = await signingIn
    assert.equal(answer.status, 200, answer.text)
    await stopping
    await using again = await testServer({ folder: server.folder })
    assert.equal((await new Client(again.address, client.cookies).get('/auth/session')).status, 200)
  })

  it('cuts off what takes too long', async () => {
    const { hasher, begun, letGo } = heldHasher()
    await using server = await testServer({ overrides: { passwords: hasher, drainLimitMs: 20 } })
    const cut = server.client().post('/auth/login', { username: 'root', password: goodPassword })
    const lost = assert.rejects(cut)
    await begun
    await server.stop()
    await lost
    letGo()
    assert.match(server.log.text(), /cut off/)
  })

  it('makes the server not ready while it still answers', async () => {
    await using server = await testServer()
    server.services.beginStopping()
    const answer = await server.client().get('/readyz')
    assertProblem(answer, 503, 'store-unavailable')
    assert.ok(answer.headers.get('retry-after'))
    const other = await server.client().get('/healthz')
    assert.deepEqual([other.status, other.headers.get('connection')], [200, 'close'])
  })
})

describe('a fault that nobody foresaw', () => {
  it('is a bare 500 for the client and a full line in the log', async () => {
    await using server = await testServer()
    Object.assign(server.services.accounts, {
      hasAdministrator: () => {
        throw new TypeError('internal detail with /path and secret')
      },
    })
    const answer = await server.client().get('/auth/setup')
    assertProblem(answer, 500, 'internal-error')
    assert.doesNotMatch(answer.text, /detail|path|TypeError/)
    assert.match(server.log.text(), /"type":"TypeError"/)
  })
})
