/** Standard input that does not end, and standard output that nobody reads or that has no room. */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { afterEach, beforeEach, it } from 'vitest'
import { assertProblem } from '../client.ts'
import { goodPassword, temporaryFolder } from '../harness.ts'
import { defaults, run, serverProcess } from '../process.ts'

let folder = ''
beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** The command as `"$@"` in a line of the shell. */
const inShell = (line: string, args: readonly string[]) => run(folder, args, defaults, ['sh', '-c', line, 'sh'])

it('a password is the first line, whatever comes after it', async () => {
  const { code, stderr } = await inShell(`yes '${goodPassword}' | "$@"`, ['users', 'add', 'alice'])
  assert.equal(code, 0, stderr)
  await using server = await serverProcess(folder)
  await server.client().signIn('alice', goodPassword)
})

it.each([
  [`head -c 1000000 /dev/zero | tr '\\0' x | "$@"`, /password must have at most 256 characters/],
  [`printf 'a long password, \\377\n' | "$@"`, /the first line of standard input is not UTF-8 text/],
])('no password: %s', async (line, message) => {
  const { code, stderr } = await inShell(line, ['users', 'add', 'alice'])
  assert.equal(code, 1)
  assert.match(stderr, message)
})

it('a command ends badly when what it prints is lost', async () => {
  const { code, stderr } = await inShell('exec "$@" > /dev/full', ['keygen'])
  assert.equal(code, 1)
  assert.equal(stderr, 'holdfast-server: standard output has no room left on its disk\n')
})

it('a command ends well when its reader has enough, also one that would follow', async () => {
  await run(folder, ['users', 'add', 'alice'], { ...defaults, input: `${goodPassword}\n` })
  for (const args of [
    ['users', 'list'],
    ['events', 'tail'],
  ]) {
    assert.equal((await inShell('{ "$@"; echo $? >&2; } | true', args)).stderr, '0\n')
  }
})

it('the server serves on when nobody reads its log', async () => {
  await using server = await serverProcess(folder)
  server.stopReading()
  const stranger = server.client()
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const refused = await stranger.post('/auth/login', { username: 'nobody', password: goodPassword })
    assertProblem(refused, 401, 'invalid-credentials')
  }
  assert.equal((await stranger.get('/healthz')).status, 200)
  assert.equal(await server.end('SIGTERM'), 0)
})
