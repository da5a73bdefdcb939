import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { sqliteStore } from 'holdfast/store/sqlite'
import { describe, it } from 'vitest'
import { assertProblem, Client } from '../client.ts'
import { databaseIn, goodPassword, setupToken, testServer } from '../harness.ts'
import { until } from '../process.ts'

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
