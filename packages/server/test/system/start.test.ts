import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { temporaryFolder, testSecret } from '../harness.ts'
import { defaults, run, serverProcess, until } from '../process.ts'

let folder = ''
beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const data = (name = '') => join(folder, 'data', name)

describe('a start from nothing', () => {
  it('answers within three seconds, with a secret and stores that only its user can read, and how to set it up', async () => {
    const started = performance.now()
    await using server = await serverProcess(folder, { HOLDFAST_SECRET: '', HOLDFAST_SETUP_TOKEN: '' })
    assert.deepEqual((await server.client().get('/healthz')).json, { status: 'ok' })
    assert.ok(performance.now() - started < 3000)
    assert.equal((await server.client().get('/readyz')).status, 200)
    assert.equal(statSync(data()).mode & 0o777, 0o700)
    for (const name of ['secret', 'holdfast.db', 'holdfast.db-wal', 'holdfast.db-shm'])
      assert.equal(statSync(data(name)).mode & 0o777, 0o600, name)
    await until(10_000, async () => /-d '.*' http/.test(server.output()))
    const printed = JSON.parse(/-d '(.*)' http/.exec(server.output())?.[1] ?? '{}') as { readonly token: string }
    const { token } = printed
    assert.match(token, /^[\w-]{43}$/)
    // As it is printed it makes nobody: everyone knows that password.
    assert.equal((await server.client().post('/auth/setup', printed)).status, 400)
    const answer = await server.client().post('/auth/setup', { token, username: 'root', password: 'tall giraffes read quietly' })
    assert.equal(answer.status, 201, answer.text)
    // Printed for a person; a log is kept.
    const logged = server
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .join('\n')
    assert.ok(!logged.includes(token))
    assert.equal(await server.end('SIGTERM'), 0)
    const secret = readFileSync(data('secret'), 'utf8')
    await using again = await serverProcess(folder, { HOLDFAST_SECRET: '', HOLDFAST_SETUP_TOKEN: '' })
    assert.equal(readFileSync(data('secret'), 'utf8'), secret)
    assert.doesNotMatch(again.output(), /auth\/setup/)
  })

  it('makes one secret when four servers start at once', async () => {
    const servers = await Promise.all(Array.from({ length: 4 }, () => serverProcess(folder, { HOLDFAST_SECRET: '' })))
    try {
      const [first] = servers
      assert.ok(first)
      const client = first.client()
      await client.post('/auth/setup', {
        token: defaults.HOLDFAST_SETUP_TOKEN,
        username: 'root',
        password: 'tall giraffes read quietly',
      })
      await client.signIn('root', 'tall giraffes read quietly')
      for (const server of servers) assert.equal((await server.client(client.cookies).get('/auth/session')).status, 200)
      assert.deepEqual(
        readdirSync(data()).filter((name) => name.startsWith('secret')),
        ['secret'],
      )
    } finally {
      for (const server of servers) await server[Symbol.asyncDispose]()
    }
  })

  it('does not print a set-up token that was given', async () => {
    await using server = await serverProcess(folder)
    await until(10_000, async () => server.output().includes('There is no administrator yet'))
    assert.ok(!server.output().includes(defaults.HOLDFAST_SETUP_TOKEN ?? '-'))
  })
})

describe('a promise that fails with nobody waiting', () => {
  it('is logged, and the server goes on', async () => {
    const failing = 'process.once("SIGUSR2", () => void Promise.reject(new Error("nobody waits")))'
    await using server = await serverProcess(folder, {
      NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(failing)}`,
    })
    server.signal('SIGUSR2')
    await until(5000, async () => /A promise failed with nobody waiting/.test(server.output()))
    assert.equal((await server.client().get('/healthz')).status, 200)
  })
})

describe('a policy that is only tried', () => {
  it('is told of in the trail, and nothing is done', async () => {
    const origin = 'https://auth.example.test'
    const behindProxy = { HOLDFAST_URL: origin, HOLDFAST_TRUSTED_PROXIES: '127.0.0.1' }
    await using server = await serverProcess(folder, { ...behindProxy, HOLDFAST_SHADOW: 'ip-change:deny' })
    const client = server.client()
    const from = (ip: string) => ({ headers: { origin, 'x-forwarded-proto': 'https', 'x-forwarded-for': ip } })
    const [username, password] = ['root', 'tall giraffes read quietly']
    await client.post('/auth/setup', { token: defaults.HOLDFAST_SETUP_TOKEN, username, password }, from('192.0.2.1'))
    await client.post('/auth/login', { username, password }, from('192.0.2.1'))
    const moved = await client.get('/auth/session', from('198.51.100.9'))
    assert.equal(moved.status, 200, moved.text)
    const told = async () =>
      (await client.get('/admin/events?kind=session_policy_shadow', from('198.51.100.9'))).json.items as Record<string, unknown>[]
    await until(5000, async () => (await told()).length > 0)
    const [event, ...others] = await told()
    assert.deepEqual([event?.reason, event?.outcome, event?.ip, others], ['ip-change', 'deny', '198.51.100.9', []])
  })
})

describe('a start that is refused', () => {
  it('says every problem in one message, ends with 1 and creates nothing', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => taken.once('listening', resolve))
    try {
      const { port } = taken.address() as { port: number }
      const bad = { HOST: '0.0.0.0', HOLDFAST_SECRET: 'short', HOLDFAST_STORE: 'mysql://x', HOLDFAST_SHADOW: 'deny' }
      const first = await run(folder, [], bad)
      assert.equal(first.code, 1)
      assert.equal(first.stdout, '')
      for (const name of ['HOLDFAST_URL', 'HOLDFAST_SECRET', 'HOLDFAST_STORE', 'HOLDFAST_SHADOW'])
        assert.match(first.stderr, new RegExp(`^  ${name}: `, 'm'))
      const second = await run(folder, [], { PORT: String(port), HOLDFAST_STORE: `sqlite:${folder}/none/a.db` })
      assert.equal(second.code, 1)
      assert.match(second.stderr, new RegExp(`^  PORT: ${port} is in use by another program$`, 'm'))
      assert.match(second.stderr, /^ {2}HOLDFAST_STORE: folder .*\/none does not exist$/m)
      assert.deepEqual(readdirSync(folder), [])
    } finally {
      taken.close()
    }
  })

  it('because production has no secret', async () => {
    const { code, stderr } = await run(folder, ['serve'], { NODE_ENV: 'production' })
    assert.equal(code, 1)
    assert.match(stderr, /HOLDFAST_SECRET: is required/)
    assert.deepEqual(readdirSync(folder), [])
  })

  it('because the store is a folder, text, or made by a newer version, and leaves it as it was', async () => {
    mkdirSync(join(folder, 'folder.db'))
    writeFileSync(join(folder, 'text.db'), 'no database at all, but some text')
    const newer = new DatabaseSync(join(folder, 'newer.db'))
    newer.exec('CREATE TABLE x (y); PRAGMA user_version = 99')
    newer.close()
    const before = readFileSync(join(folder, 'newer.db'))
    for (const [name, message] of [
      ['folder', /HOLDFAST_STORE: .*folder\.db is not a file/],
      ['text', /HOLDFAST_STORE: .*text\.db is not an SQLite database/],
      ['newer', /HOLDFAST_STORE: .*newer\.db holds sessions of schema version 99, made by a newer version/],
    ] as const) {
      const { code, stderr } = await run(folder, [], { ...defaults, HOLDFAST_STORE: `sqlite:${name}.db` })
      assert.equal(code, 1)
      assert.match(stderr, message)
      assert.doesNotMatch(stderr, /\n\s+at /)
    }
    assert.deepEqual(readFileSync(join(folder, 'newer.db')), before)
    assert.equal(existsSync(data()), false)
  })

  it('because the secret file of a first run was damaged', async () => {
    mkdirSync(data())
    writeFileSync(data('secret'), 'x\n')
    const { code, stderr } = await run(folder, [], { PORT: '0' })
    assert.equal(code, 1)
    assert.match(stderr, /data\/secret: the secret must have at least 32 characters/)
    assert.equal(existsSync(data('holdfast.db')), false)
  })

  it('because the address is none of this machine', async () => {
    const environment = { ...defaults, HOST: '203.0.113.1', HOLDFAST_URL: 'https://a.test', HOLDFAST_TRUSTED_PROXIES: '::1' }
    const { code, stderr } = await run(folder, [], environment)
    assert.equal(code, 1)
    assert.match(stderr, /HOST: 203\.0\.113\.1 is no address of this machine/)
    assert.deepEqual(readdirSync(folder), [])
  })

  it('never tells a secret', async () => {
    const { stderr } = await run(folder, [], { HOLDFAST_SECRET: `${testSecret},hunter2-short`, HOLDFAST_SETUP_TOKEN: 'hunter2' })
    assert.doesNotMatch(stderr, /hunter2/)
  })
})
