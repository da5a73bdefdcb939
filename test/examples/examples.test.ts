import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const secret = 'k3Jq9vTz1mXw8RbY5nLd2HsG7pCf4Ua0'
const frameworks = ['express', 'fastify', 'hono', 'node', 'web']

const children: ChildProcess[] = []
const folders: string[] = []

afterEach(async () => {
  await endAll()
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-example-'))
  folders.push(folder)
  return folder
}

async function endAll(): Promise<void> {
  for (const child of children.splice(0)) {
    const gone = once(child, 'exit')
    if (child.exitCode === null && child.kill('SIGKILL')) await gone
  }
}

/** Starts an example in a folder of its own and returns its address, read from the line that it prints. */
async function start(name: string, given?: string): Promise<string> {
  const folder = given ?? (await newFolder())
  const child = spawn(process.execPath, ['--conditions=@holdfast/source', join(root, 'examples', `${name}.ts`)], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOLDFAST_SECRET: secret, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  let printed = ''
  for await (const chunk of child.stdout) {
    printed += String(chunk)
    const port = /port: (\d+)/.exec(printed)?.[1]
    if (port !== undefined) return `http://127.0.0.1:${port}`
  }
  throw new Error(`the example printed no address: ${printed}`)
}

function cookiesOf(response: Response): string {
  return response.headers
    .getSetCookie()
    .map((line) => line.split(';', 1)[0])
    .join('; ')
}

const login = { username: 'alice', password: 'correct horse battery staple' }
const post = (body: unknown) => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

describe.each(frameworks)('the %s example', (name) => {
  it('signs in, guards a route, signs out, and a stolen copy of the cookie is dead', async () => {
    const base = await start(name)
    expect((await fetch(`${base}/me`)).status).toBe(401)
    expect((await fetch(`${base}/login`, post({ ...login, password: 'wrong' }))).status).toBe(401)

    const cookie = cookiesOf(await fetch(`${base}/login`, post(login)))
    const me = await fetch(`${base}/me`, { headers: { cookie } })
    expect([me.status, await me.json()]).toEqual([200, { subject: 'alice' }])

    const csrf = /csrf_token=([^;]+)/.exec(cookie)?.[1] ?? ''
    const out = await fetch(`${base}/auth/logout`, { method: 'POST', headers: { cookie, 'x-csrf-token': csrf } })
    expect(out.status).toBe(204)
    const replayed = await fetch(`${base}/me`, { headers: { cookie } })
    expect([replayed.status, await replayed.json()]).toMatchObject([401, { code: 'session-revoked' }])
  })
})

describe('a stock app with jsonwebtoken and the denylist, on two nodes', () => {
  it('takes a stolen token before its owner signs out everywhere, and on no node after, nor after a restart', async () => {
    const folder = await newFolder()
    const nodes = [await start('jsonwebtoken', folder), await start('jsonwebtoken', folder)]
    const [here = ''] = nodes
    const { token } = (await (await fetch(`${here}/login`, post(login))).json()) as { token: string }
    const me = async (base: string, presented = token) => {
      const response = await fetch(`${base}/me`, { headers: { authorization: `Bearer ${presented}` } })
      return [response.status, response.headers.get('content-type') === null ? null : await response.text()]
    }
    for (const base of nodes) expect((await me(base))[0]).toBe(200)

    const out = { ...post({}), headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } }
    expect((await fetch(`${here}/logout-everywhere`, out)).status).toBe(204)
    const refused = [401, expect.stringContaining('Token has been revoked')]
    for (const base of nodes) expect(await me(base)).toEqual(refused)
    // Another spelling of the same signature is the same token.
    expect((await me(here, `${token}=`))[0]).toBe(401)

    await endAll()
    expect(await me(await start('jsonwebtoken', folder))).toEqual(refused)
  })
})

it('every example that serves is run here', async () => {
  const helpers = ['served.ts', 'users.ts']
  const programs = (await readdir(join(root, 'examples'))).filter((file) => file.endsWith('.ts') && !helpers.includes(file))
  expect(programs.sort()).toEqual([...frameworks, 'jsonwebtoken'].map((name) => `${name}.ts`).sort())
})

it('the README shows the Express example as it is', async () => {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  expect(readme).toContain(await readFile(join(root, 'examples', 'express.ts'), 'utf8'))
})
