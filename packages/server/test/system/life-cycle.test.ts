/** What becomes of everything that an account holds, on another server process than the one that was told. */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { type Answer, assertProblem, type Client } from '../client.ts'
import { openEvents, type Reader } from '../event-stream.ts'
import { goodPassword, otherPassword, setupToken, temporaryFolder } from '../harness.ts'
import { type ServerProcess, serverProcess, until } from '../process.ts'

/** What DESIGN 2.3 promises between nodes, and a little for a busy machine. */
const boundMs = 1500

let folder = ''
beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** An administrator beside the first one, at two places of the second server, with tokens, a key and an open stream. */
interface Holder {
  readonly id: string
  readonly desk: Client
  readonly phone: Client
  readonly access: string
  readonly refresh: string
  readonly key: string
  readonly stream: Reader
}

const bearer = (client: Client, path: string, token: string): Promise<Answer> =>
  client.get(path, { headers: { authorization: `Bearer ${token}` } })

async function settle(root: Client, two: ServerProcess, username: string): Promise<Holder> {
  const made = await root.post('/admin/users', { username, password: goodPassword, role: 'admin' })
  const [desk, phone] = [two.client(), two.client()]
  await desk.signIn(username, goodPassword)
  await phone.signIn(username, goodPassword)
  const tokens = (await desk.post('/auth/tokens', {})).json
  const key = (await desk.post('/auth/keys', { name: 'scraper', scopes: ['metrics'] })).json.token
  const stream = await openEvents(phone, '/admin/events')
  const holder = { id: made.json.user.id, desk, phone, access: tokens.access_token, refresh: tokens.refresh_token, key, stream }
  assert.deepEqual(await standing(two, holder), { desk: 200, phone: 200, access: 200, key: 200 })
  return holder
}

async function standing(two: ServerProcess, { desk, phone, access, key }: Holder) {
  const stranger = two.client()
  const [atDesk, onPhone, byAccess, byKey] = await Promise.all([
    desk.get('/auth/session'),
    phone.get('/auth/session'),
    bearer(stranger, '/auth/session', access),
    bearer(stranger, '/metrics', key),
  ])
  return { desk: atDesk.status, phone: onPhone.status, access: byAccess.status, key: byKey.status }
}

/** Within the bound every session, token and stream has ended on the other process; the key at its next use. */
async function assertEnded(two: ServerProcess, holder: Holder, keyStatus: number): Promise<void> {
  const { key } = await standing(two, holder)
  assert.equal(key, keyStatus)
  await until(boundMs, async () => {
    const { desk, phone, access } = await standing(two, holder)
    return desk === 401 && phone === 401 && access === 401
  })
  assert.notEqual((await two.client().post('/auth/refresh', { refresh_token: holder.refresh })).status, 200)
  // It may say why before it ends; a stream that does not end runs into the test's limit.
  while ((await holder.stream.next()) !== undefined);
}

async function start() {
  const one = await serverProcess(folder)
  const two = await serverProcess(folder)
  const root = one.client()
  await root.post('/auth/setup', { token: setupToken, username: 'root', password: goodPassword })
  await root.signIn('root', goodPassword)
  return { one, two, root }
}

describe('an account on two server processes', () => {
  it('loses its sessions, tokens, streams and keys when it is disabled, demoted or deleted', async () => {
    const { one, two, root } = await start()
    await using _one = one
    await using _two = two
    const demoted = await settle(root, two, 'demoted')
    assert.equal((await root.patch(`/admin/users/${demoted.id}`, { role: 'user' })).status, 200)
    await assertEnded(two, demoted, 403)

    const disabled = await settle(root, two, 'disabled')
    assert.equal((await root.patch(`/admin/users/${disabled.id}`, { disabled: true })).status, 200)
    await assertEnded(two, disabled, 401)

    const deleted = await settle(root, two, 'deleted')
    assert.equal((await root.delete(`/admin/users/${deleted.id}`)).status, 204)
    await assertEnded(two, deleted, 401)
    for (const username of ['disabled', 'deleted']) {
      assertProblem(await two.client().post('/auth/login', { username, password: goodPassword }), 401, 'invalid-credentials')
    }
  })

  it('keeps the session that changes its password, under a new secret, and no other', async () => {
    const { one, two, root } = await start()
    await using _one = one
    await using _two = two
    const holder = await settle(root, two, 'carol')
    const before = holder.desk.copy()
    const here = one.client(holder.desk.cookies)
    const change = { currentPassword: goodPassword, newPassword: otherPassword }
    assert.equal((await here.post('/auth/password', change)).status, 200)
    const after = two.client(here.cookies)
    await until(boundMs, async () => {
      const { phone, access } = await standing(two, holder)
      return phone === 401 && access === 401 && (await before.get('/auth/session')).status === 401
    })
    assert.equal((await after.get('/auth/session')).status, 200)
    while ((await holder.stream.next()) !== undefined);
    // What was made to outlive sessions is ended by its owner, by name.
    assert.equal((await standing(two, holder)).key, 200)
    await two.client().signIn('carol', otherPassword)
  })
})
