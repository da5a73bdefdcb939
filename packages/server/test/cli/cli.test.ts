import assert from 'node:assert/strict'
import { chmodSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { secretProblem } from 'holdfast'
import { afterEach, beforeEach, describe, it } from 'vitest'
import type { Finding } from '../../src/doctor/finding.ts'
import { assertProblem } from '../client.ts'
import { goodPassword, otherPassword, setupToken, temporaryFolder, testSecret } from '../harness.ts'
import { defaults, run, serverProcess, withoutRoom } from '../process.ts'

let folder = ''
beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const inFolder = (args: readonly string[], input = '') => run(folder, args, { ...defaults, input })

async function succeed(args: readonly string[], input = ''): Promise<string> {
  const { code, stdout, stderr } = await inFolder(args, input)
  assert.equal(code, 0, stderr)
  return stdout
}

async function fail(args: readonly string[], message: RegExp, input = ''): Promise<void> {
  const { code, stderr } = await inFolder(args, input)
  assert.equal(code, 1, `${args.join(' ')} ended with ${code}`)
  assert.match(stderr, message)
  assert.doesNotMatch(stderr, /\n\s+at /)
}

describe('the command line', () => {
  it('explains itself, and refuses what it does not know', async () => {
    const help = await succeed(['--help'])
    for (const name of ['serve', 'init', 'keygen', 'users', 'sessions', 'migrate', 'doctor'])
      assert.match(help, new RegExp(`^  ${name} `, 'm'))
    assert.match(await succeed(['users', '--help']), /set-password/)
    await fail(['nonsense'], /^error: unknown command 'nonsense'\n[\s\S]*^ {2}users /m)
    await fail(['serve', 'nonsense'], /^error: unknown command 'nonsense'\n/)
    assert.match(await succeed(['--version']), /^\d+\.\d+\.\d+\n$/)
    await fail(['users', 'add'], /missing required argument 'username'/)
    await fail(['doctor', '--loud'], /unknown option '--loud'/)
    assert.deepEqual(readdirSync(folder), [])
  })

  it('keygen prints a secret that will do, another each time', async () => {
    const secrets = [await succeed(['keygen']), await succeed(['keygen'])].map((text) => text.trim())
    for (const secret of secrets) {
      assert.equal(secretProblem(secret), undefined)
      assert.match(secret, /^[\w-]{64}$/)
    }
    assert.notEqual(secrets[0], secrets[1])
    assert.deepEqual(readdirSync(folder), [])
  })

  it('init writes a .env for its owner only, and never over another', async () => {
    await succeed(['init'])
    const path = join(folder, '.env')
    const written = readFileSync(path, 'utf8')
    assert.equal(statSync(path).mode & 0o777, 0o600)
    const secret = /^HOLDFAST_SECRET=(.+)$/m.exec(written)?.[1]
    assert.equal(secretProblem(secret), undefined)
    await fail(['init'], /\.env exists already; it was not changed/)
    assert.equal(readFileSync(path, 'utf8'), written)
    const { code } = await run(folder, ['doctor'], {})
    assert.equal(code, 0)
  })

  it('leaves nothing half-written where there is no room', async () => {
    for (const args of [['init'], ['serve']]) {
      const { code, stderr } = await run(folder, args, { PORT: '0' }, withoutRoom)
      assert.equal(code, 1)
      assert.match(stderr, /EFBIG/)
    }
    assert.deepEqual(readdirSync(folder, { recursive: true }), ['data'])
  })

  it('refuses an option that is given twice, of which one would be passed over', async () => {
    await fail(['sessions', 'revoke', '--user', 'alice', '--user', 'bob'], /^error: option '--user <user>' is given twice/)
    await fail(['users', 'add', 'a', '--role', 'user', '--role', 'admin'], /'--role <role>' is given twice/)
    assert.deepEqual(readdirSync(folder), [])
  })

  it('refuses a bad configuration before it touches anything, whatever the command', async () => {
    for (const args of [['users', 'list'], ['sessions', 'list'], ['migrate']]) {
      const { code, stderr } = await run(folder, args, { PORT: 'x', HOLDFAST_SECRET: 'short' })
      assert.equal(code, 1)
      assert.match(stderr, /PORT: [\s\S]*HOLDFAST_SECRET: /)
    }
    assert.deepEqual(readdirSync(folder), [])
  })
})

describe('users', () => {
  it('are added with a password from standard input, and listed', async () => {
    assert.match(
      await succeed(['users', 'add', 'Root', '--role', 'admin', '--email', 'r@mail.test'], `${goodPassword}\n`),
      /^Added Root \(admin\), id [\w-]{22}$/m,
    )
    const users = JSON.parse(await succeed(['users', 'list', '--json']))
    assert.deepEqual(Object.keys(users[0]).sort(), ['createdAt', 'disabled', 'email', 'id', 'role', 'username'])
    assert.match(await succeed(['users', 'list']), /Root +r@mail\.test +admin +enabled/)
    await using server = await serverProcess(folder)
    assert.deepEqual((await server.client().get('/auth/setup')).json, { needed: false })
    await server.client().signIn('root', goodPassword)
  })

  it('are refused with a reason: no or a weak password, a bad or taken name, an unknown role', async () => {
    await fail(['users', 'add', 'a'], /first line of standard input/)
    await fail(['users', 'add', 'a'], /password must have at least 15 characters; it has 5/, 'short\n')
    await fail(['users', 'add', ' a\u0007'], /username must not/, `${goodPassword}\n`)
    await fail(['users', 'add', 'a', '--role', 'king'], /role must be one of admin, user/, `${goodPassword}\n`)
    await fail(['users', 'add', 'a', '--email', 'x'], /email must be an e-mail address/, `${goodPassword}\n`)
    await succeed(['users', 'add', 'a'], `${goodPassword}\n`)
    await fail(['users', 'add', 'A'], /username is taken/, `${goodPassword}\n`)
    await fail(['users', 'disable', 'nobody'], /there is no account of that name/)
  })

  it('are changed beside a running server, which ends their sessions', async () => {
    await using server = await serverProcess(folder)
    const admin = server.client()
    await admin.post('/auth/setup', { token: setupToken, username: 'root', password: goodPassword })
    await succeed(['users', 'add', 'alice'], `${goodPassword}\n`)
    const alice = server.client()
    const signIn = (password: string) => alice.signIn('alice', password)
    await signIn(goodPassword)
    await succeed(['users', 'disable', 'alice'])
    assertProblem(await alice.get('/auth/user'), 401, 'session-revoked')
    assertProblem(await alice.post('/auth/login', { username: 'alice', password: goodPassword }), 401, 'invalid-credentials')
    await succeed(['users', 'enable', 'alice'])
    await signIn(goodPassword)
    await succeed(['users', 'set-password', 'alice'], `${otherPassword}\n`)
    const ended = await server.client().post('/auth/login', { username: 'alice', password: goodPassword })
    assertProblem(ended, 401, 'invalid-credentials')
    await signIn(otherPassword)
    await succeed(['users', 'set-role', 'alice', 'admin'])
    await signIn(otherPassword)
    assert.equal((await alice.get('/admin/users')).status, 200)
    await succeed(['users', 'disable', 'root'])
    await fail(['users', 'disable', 'alice'], /last enabled administrator/)
    await succeed(['users', 'delete', 'root'])
    await fail(['users', 'delete', 'root'], /there is no account of that name/)
    await succeed(['sessions', 'revoke', '--everyone'])
    const trail = (await succeed(['events', 'tail', '--no-follow', '-n', '1000', '--json'])).trim().split('\n')
    const byCommand = trail.map((line) => JSON.parse(line)).filter(({ actor }) => actor === 'command-line')
    assert.deepEqual(
      byCommand.map(({ kind, outcome }) => (outcome === null ? kind : `${kind} ${outcome}`)),
      [
        'user_created user',
        'user_updated disabled',
        'user_updated disabled',
        'authn_password_change',
        'user_updated role',
        'user_updated disabled',
        'user_deleted',
        'authz_admin everyone-out',
      ],
    )
    assert.match(await succeed(['events', 'verify']), /^whole: /)
  })
})

describe('sessions', () => {
  it('are listed and ended by id, by user, for everyone', async () => {
    await using server = await serverProcess(folder)
    const admin = server.client()
    await admin.post('/auth/setup', { token: setupToken, username: 'root', password: goodPassword })
    await admin.signIn('root', goodPassword)
    await server.client().signIn('root', goodPassword)
    const list = async (...more: string[]) => JSON.parse(await succeed(['sessions', 'list', '--json', ...more]))
    const [session] = await list('--user', 'root')
    assert.equal(session.username, 'root')
    assert.equal((await list()).length, 2)
    assert.match(await succeed(['sessions', 'revoke', session.id]), /^1 session ended$/m)
    assert.equal((await list()).length, 1)
    assert.equal((await list('--all')).length, 2)
    assert.match(await succeed(['sessions', 'revoke', '--user', 'root']), /^1 session ended$/m)
    await admin.signIn('root', goodPassword)
    await succeed(['sessions', 'revoke', '--everyone'])
    assert.deepEqual(await list(), [])
    assert.match(await succeed(['sessions', 'list']), /\(none\)/)
    await fail(['sessions', 'revoke', 'A'.repeat(24)], /no session of that id/)
    await fail(['sessions', 'revoke'], /name a session id, or --user, or --everyone/)
    await fail(['sessions', 'revoke', session.id, '--everyone'], /one of them/)
    await fail(['sessions', 'list', '--user', 'nobody'], /no account of that name/)
    // The same bound as between servers: here the time of a command has passed already.
    assert.equal((await admin.get('/auth/session')).status, 401)
  })
})

describe('migrate', () => {
  it('makes the tables once and says so', async () => {
    assert.match(await succeed(['migrate']), /^sessions: from version 0 to \d+\naccounts: from version 0 to 2$/m)
    assert.match(await succeed(['migrate']), /^sessions: at version \d+ already\naccounts: at version 2 already$/m)
  })
})

describe('many processes at once', () => {
  it('make the tables of the accounts once, and none of them fails', async () => {
    const environment = { ...defaults, HOLDFAST_STORE: 'memory:' }
    const ended = await Promise.all(Array.from({ length: 6 }, () => run(folder, ['migrate'], environment)))
    for (const { code, stderr } of ended) assert.equal(code, 0, stderr)
    assert.match((await run(folder, ['migrate'], environment)).stdout, /^accounts: at version 2 already$/m)
  })
})

describe('doctor', () => {
  async function findings(environment: Record<string, string> = defaults): Promise<{ code: number | null; found: Finding[] }> {
    const { code, stdout, stderr } = await run(folder, ['doctor', '--json'], environment)
    assert.equal(stderr, '')
    return { code, found: JSON.parse(stdout) }
  }
  const failures = (found: readonly Finding[]) => found.filter(({ status }) => status === 'failed').map(({ check }) => check)

  it('finds nothing wrong before the first start, and makes nothing', async () => {
    const { code, found } = await findings()
    assert.equal(code, 0)
    assert.deepEqual(failures(found), [])
    assert.deepEqual(readdirSync(folder), [])
  })

  it('finds nothing wrong beside a running server', async () => {
    await using server = await serverProcess(folder)
    assert.equal((await server.client().get('/healthz')).status, 200)
    const { code, found } = await findings()
    assert.equal(code, 0)
    assert.deepEqual(failures(found), [])
    for (const check of [
      'sessions: schema',
      'sessions: integrity',
      'sessions: journal',
      'accounts: schema',
      'mode: accounts',
      'clock',
    ]) {
      assert.equal(found.find((finding) => finding.check === check)?.status, 'ok', check)
    }
    assert.match(await succeed(['doctor']), /^check +status +detail\nconfiguration +ok/m)
  })

  it('lists every problem of the configuration', async () => {
    const { code, found } = await findings({ PORT: 'x', HOLDFAST_SECRET: 'short' })
    assert.equal(code, 1)
    assert.deepEqual(found.map(({ detail }) => detail.split(':', 1)[0]).sort(), ['HOLDFAST_SECRET', 'PORT'])
  })

  it('fails for files that others can use, a newer schema, a damaged store, a weak secret', async () => {
    await succeed(['migrate'])
    const store = join(folder, 'data/holdfast.db')
    chmodSync(store, 0o644)
    writeFileSync(join(folder, '.env'), `HOLDFAST_SECRET=${testSecret}\n`, { mode: 0o644 })
    const open = await findings()
    assert.equal(open.code, 1)
    assert.deepEqual(failures(open.found).sort(), ['mode: .env', 'mode: accounts'])
    chmodSync(store, 0o600)
    await rm(join(folder, '.env'))

    const bytes = readFileSync(store)
    const newer = Buffer.from(bytes)
    newer.writeUInt32BE(99, 60)
    writeFileSync(store, newer)
    assert.deepEqual(failures((await findings()).found), ['storage'])
    writeFileSync(store, Buffer.concat([bytes.subarray(0, 8192), Buffer.alloc(bytes.length - 8192, 0xee)]))
    assert.ok(failures((await findings()).found).length > 0)
    writeFileSync(store, bytes)
    assert.deepEqual(failures((await findings()).found), [])

    writeFileSync(join(folder, 'data/secret'), 'weak', { mode: 0o600 })
    assert.deepEqual(failures((await findings({ PORT: '0' })).found), ['secret'])
  })

  it('fails when a store was written in the future: the clock went back', async () => {
    await succeed(['migrate'])
    const tomorrow = Date.now() / 1000 + 86_400
    utimesSync(join(folder, 'data/holdfast.db'), tomorrow, tomorrow)
    assert.deepEqual(failures((await findings()).found), ['clock'])
  })
})
