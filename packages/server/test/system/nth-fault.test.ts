/**
 * Each flow over HTTP with a fault at its first call of a store, then at its second, and so on until it runs through:
 * before the call takes effect and after. Whatever happened, it is told, nothing is half done, and a retry gets through.
 */
import assert from 'node:assert/strict'
import type { SecurityEvent } from 'holdfast'
import { memoryStore } from 'holdfast/store/memory'
import { describe, it } from 'vitest'
import type { PasswordHasher } from '../../src/passwords/hash.ts'
import { type Answer, assertProblem, type Client } from '../client.ts'
import { goodPassword, movableClock, otherPassword, type TestServer, testServer } from '../harness.ts'
import { type NthFault, nthFault, type When } from '../nth-fault.ts'
import { type Key, keyFor } from '../routes/oauth.ts'

const minute = 60_000

/** Costs nothing: what is looked at here is the order of things. */
const hasher: PasswordHasher = {
  hash: async (password) => `of ${password}`,
  verify: async (hash, password) => hash === `of ${password}`,
  isOutdated: () => false,
  load: () => ({ running: 0, waiting: 0, refused: 0 }),
}

interface Stage {
  readonly server: TestServer
  readonly clock: ReturnType<typeof movableClock>
  readonly faults: NthFault
  readonly admin: Client
}

/** An account of its own for each run, signed in at two places. */
interface Scene extends Stage {
  readonly id: string
  readonly username: string
  readonly desk: Client
  readonly phone: Client
  /** The cookies of the desk before anything happened. */
  readonly before: Client
  /** The administrator's, for the metrics. */
  readonly key: Key
  /** What was told of keys since the scene was set. */
  readonly told: readonly SecurityEvent[]
}

interface Flow {
  run(scene: Scene): Promise<Answer>
  /** What holds although it failed, once the stores are well. */
  failed(scene: Scene): Promise<void>
  /** What it promises once it was answered. */
  kept(scene: Scene, answer: Answer): Promise<void>
  /** Statuses of a retry that finds the work done. */
  readonly orElse?: readonly number[]
}

async function openStage(): Promise<Stage & AsyncDisposable> {
  const clock = movableClock()
  const faults = nthFault()
  const store = faults.wrap(memoryStore())
  const engine = { signInsPerMinute: 100_000, sessionsPerSubject: { max: 10 } }
  const config = { log: { format: 'json', level: 'silent' } as const }
  const apiKeyStore = <T extends object>(keys: T) => faults.wrap(keys)
  const server = await testServer({ config, overrides: { clock, store, apiKeyStore, passwords: hasher, engine } })
  const admin = await server.administrator()
  const { accounts } = server.services
  Object.assign(server.services, { accounts: faults.wrap(accounts) })
  return { server, clock, faults, admin, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

async function setScene(stage: Stage, username: string): Promise<Scene> {
  const { server, admin } = stage
  await admin.signIn('root', goodPassword)
  const created = await admin.post('/admin/users', { username, password: goodPassword })
  const [desk, phone] = [server.client(), server.client()]
  await desk.signIn(username, goodPassword)
  await phone.signIn(username, goodPassword)
  const key = await keyFor(admin, ['metrics'])
  const told: SecurityEvent[] = []
  server.services.apiKeys.on((event) => told.push(event))
  return { ...stage, id: created.json.user.id, username, desk, phone, before: desk.copy(), key, told }
}

const statusOf = async (client: Client) => (await client.get('/auth/session')).status

async function assertLive(...clients: readonly Client[]): Promise<void> {
  for (const client of clients) assert.equal(await statusOf(client), 200)
}

async function assertDead(...clients: readonly Client[]): Promise<void> {
  for (const client of clients) assert.equal(await statusOf(client), 401)
}

/** Every live session of the account is held by one of these clients. */
async function assertHeld({ server, id }: Scene, clients: readonly Client[]): Promise<void> {
  const held = await Promise.all(clients.map(async (client) => (await client.get('/auth/session')).json.session?.id))
  const { items } = await server.services.holdfast.list({ subject: id })
  for (const session of items) assert.ok(held.includes(session.id), 'nobody holds this session')
}

async function opens({ server, username }: Scene, password: string): Promise<boolean> {
  const client = server.client()
  const { status } = await client.post('/auth/login', { username, password })
  if (status === 200) await client.post('/auth/logout')
  return status === 200
}

/** Ended by an administrator, at the desk and on the phone: either it is not so, or it is so altogether. */
async function assertEndedAltogether({ server, id, desk, phone }: Scene, isSo: (role?: string, disabled?: boolean) => boolean) {
  const account = await server.services.accounts.get(id)
  if (isSo(account?.role, account?.disabled ?? true)) await assertDead(desk, phone)
}

async function standingOf({ server, key }: Scene): Promise<string> {
  return (await server.services.apiKeys.check(key.token, { ip: '127.0.0.1' })).status
}

function isEndTold({ told, key }: Scene): boolean {
  return told.some(({ kind, object }) => kind === 'api_key_revoked' && object === key.id)
}

const flows: Record<string, Flow> = {
  'sign-in': {
    run: ({ server, username }) => server.client().post('/auth/login', { username, password: goodPassword }),
    failed: async (scene) => {
      await assertLive(scene.desk, scene.phone)
      await assertHeld(scene, [scene.desk, scene.phone])
    },
    kept: async (_, { setCookies }) => assert.ok(setCookies.some((line) => line.startsWith('session='))),
  },
  'a sign-in in place of a session': {
    run: ({ desk, username }) => desk.post('/auth/login', { username, password: goodPassword }),
    // A lost answer may have replaced the old session; then neither is left.
    failed: async (scene) => {
      await assertLive(scene.phone)
      await assertHeld(scene, [scene.desk, scene.phone])
    },
    kept: async ({ desk, before }) => {
      await assertLive(desk)
      await assertDead(before)
    },
  },
  'a step-up': {
    run: ({ desk, clock }) => {
      clock.advance(11 * minute)
      return desk.post('/auth/reauthenticate', { password: goodPassword })
    },
    failed: async ({ desk, phone }) => {
      await assertLive(desk, phone)
      assertProblem(await desk.post('/auth/keys', { name: 'none' }), 401, 'step-up-required')
    },
    kept: async ({ desk }) => assert.equal((await desk.post('/auth/keys', { name: 'one' })).status, 201),
  },
  'a new password': {
    run: ({ desk }) => desk.post('/auth/password', { currentPassword: goodPassword, newPassword: otherPassword }),
    failed: async (scene) => {
      const [old, changed] = [await opens(scene, goodPassword), await opens(scene, otherPassword)]
      assert.notEqual(old, changed)
      if (changed) await assertDead(scene.phone, scene.before)
    },
    kept: async (scene) => {
      await assertLive(scene.desk)
      await assertDead(scene.phone, scene.before)
      assert.deepEqual([await opens(scene, goodPassword), await opens(scene, otherPassword)], [false, true])
    },
    orElse: [401],
  },
  'disabling an account': {
    run: ({ admin, id }) => admin.patch(`/admin/users/${id}`, { disabled: true }),
    failed: (scene) => assertEndedAltogether(scene, (_, disabled) => disabled === true),
    kept: async (scene) => {
      await assertDead(scene.desk, scene.phone)
      assert.equal(await opens(scene, goodPassword), false)
    },
  },
  'deleting an account': {
    run: ({ admin, id }) => admin.delete(`/admin/users/${id}`),
    failed: (scene) => assertEndedAltogether(scene, (role) => role === undefined),
    kept: async (scene) => {
      await assertDead(scene.desk, scene.phone)
      assert.equal(await opens(scene, goodPassword), false)
    },
    orElse: [404],
  },
  'a new role': {
    run: ({ admin, id }) => admin.patch(`/admin/users/${id}`, { role: 'admin' }),
    failed: (scene) => assertEndedAltogether(scene, (role) => role === 'admin'),
    kept: ({ desk, phone }) => assertDead(desk, phone),
  },
  'signing out': {
    run: ({ desk }) => desk.post('/auth/logout'),
    failed: ({ before }) => assertDead(before),
    kept: ({ before }) => assertDead(before),
  },
  'an API key': {
    run: ({ desk }) => desk.post('/auth/keys', { name: 'backup' }),
    failed: ({ desk, phone }) => assertLive(desk, phone),
    kept: async ({ server }, { json }) => {
      assert.equal((await server.services.apiKeys.check(json.token, { ip: '127.0.0.1' })).status, 'live')
    },
  },
  'the use of an API key': {
    run: ({ server, key }) => server.client().get('/metrics', { headers: { authorization: `Bearer ${key.token}` } }),
    failed: async (scene) => assert.equal(await standingOf(scene), 'live'),
    kept: async (scene) => assert.equal(await standingOf(scene), 'live'),
  },
  'the end of an API key': {
    run: ({ admin, key }) => admin.delete(`/auth/keys/${key.id}`),
    failed: async (scene) => {
      if ((await standingOf(scene)) === 'dead') assert.ok(isEndTold(scene), 'the trail lacks the end of a key')
    },
    kept: async (scene) => {
      assert.equal(await standingOf(scene), 'dead')
      assert.ok(isEndTold(scene))
    },
    orElse: [404],
  },
}

/** Cookies that a refusal may set: those that a sign-out takes away, and who knew the password is a known device. */
function assertRefusal(answer: Answer): void {
  assertProblem(answer, 503, 'store-unavailable')
  assert.ok(Number(answer.headers.get('retry-after')) >= 1)
  for (const line of answer.setCookies) assert.match(line, /max-age=0|^device=/i)
}

/** Runs it with a fault at call `n`; returns whether that was reached. */
async function runWithFault(flow: Flow, scene: Scene, n: number, when: When): Promise<boolean> {
  scene.faults.failAt(n, when)
  const answer = await flow.run(scene)
  const reached = scene.faults.recover()
  if (answer.status < 300) {
    await flow.kept(scene, answer)
    return reached
  }
  assert.ok(reached, `refused without a fault: ${answer.text}`)
  assertRefusal(answer)
  await flow.failed(scene)
  const again = await flow.run({ ...scene, desk: (await statusOf(scene.desk)) === 200 ? scene.desk : await freshDesk(scene) })
  if (again.status < 300) return reached
  assert.ok(flow.orElse?.includes(again.status), `${again.status} ${again.text}`)
  return reached
}

/** Whoever was signed out by what failed signs in again, with whichever password holds. */
async function freshDesk({ server, username }: Scene): Promise<Client> {
  const client = server.client()
  for (const password of [goodPassword, otherPassword]) await client.post('/auth/login', { username, password })
  return client
}

describe.each(Object.entries(flows))('%s', (_, flow) => {
  it.each<When>(['before', 'after'])('survives a fault %s each of its calls', async (when) => {
    await using stage = await openStage()
    let n = 1
    while (await runWithFault(flow, await setScene(stage, `user-${n}`), n, when)) n += 1
    assert.ok(n > 2, 'a flow of more than one call')
  })
})
