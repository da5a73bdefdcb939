import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { Examples } from '../support/examples.ts'
import { root } from '../support/workspace.ts'

const frameworks = ['express', 'fastify', 'hono', 'node', 'web', 'from-express-session']
/** Stock apps that issue JWTs of their own, hardened by the denylist, and how their owner ends a token. */
const ownJwts = [
  ['jsonwebtoken', '/logout-everywhere'],
  ['jose', '/logout-everywhere'],
  ['jose', '/logout'],
] as const
const examples = new Examples()

afterEach(() => examples.end())

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
    const base = await examples.start(name)
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

/** Beside what the framework's examples do, which this one is put through as well. */
it('the app that had express-session counts two views at once as two', async () => {
  const base = await examples.start('from-express-session')
  const cookie = cookiesOf(await fetch(`${base}/login`, post(login)))
  const views = async () => ((await (await fetch(`${base}/views`, { headers: { cookie } })).json()) as { views: number }).views
  expect((await Promise.all([views(), views()])).sort()).toEqual([1, 2])
})

describe.each(ownJwts)('a stock app with %s and the denylist, on two nodes', (name, ending) => {
  it(`takes a stolen token before its owner's ${ending}, and on no node after, nor after a restart`, async () => {
    const folder = await examples.newFolder()
    const nodes = [await examples.start(name, folder), await examples.start(name, folder)]
    const [here = ''] = nodes
    const { token } = (await (await fetch(`${here}/login`, post(login))).json()) as { token: string }
    const me = async (base: string, presented = token, scheme = 'Bearer') => {
      const response = await fetch(`${base}/me`, { headers: { authorization: `${scheme} ${presented}` } })
      return [response.status, response.headers.get('content-type') === null ? null : await response.text()]
    }
    for (const base of nodes) expect((await me(base))[0]).toBe(200)

    const out = { ...post({}), headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } }
    expect((await fetch(here + ending, out)).status).toBe(204)
    const refused = [401, expect.stringContaining('Token has been revoked')]
    for (const base of nodes) expect(await me(base)).toEqual(refused)
    // Another spelling of the same signature is the same token.
    expect((await me(here, `${token}=`))[0]).toBe(401)
    // So is one that stands where this app takes it, whatever stands before.
    expect(await me(here, token, 'Scheme')).toEqual(refused)

    await examples.endPrograms()
    expect(await me(await examples.start(name, folder))).toEqual(refused)
  })
})

/** In real Chromium in `test/browser`. */
describe('the chat example', () => {
  const says = (base: string, body: unknown, headers = {}) => {
    const { headers: type, ...rest } = post(body)
    return fetch(`${base}/converse`, { ...rest, headers: { ...type, ...headers } })
  }

  it('answers a visitor by events, goes on by the token of the first, and refuses any other', async () => {
    const base = await examples.start('chat/main')
    const first = await says(base, { text: 'two words' })
    const token = first.headers.get('x-anon-session-token') ?? ''
    const events = (await first.text()).split('\n\n').filter((block) => block.startsWith('event: '))
    expect(events.map((block) => /event: (\w+)/.exec(block)?.[1])).toEqual([
      'session_token',
      'message',
      'word',
      'word',
      'message',
    ])
    const again = await says(base, { text: 'again' }, { 'x-anon-session-token': token })
    expect(await again.text()).toContain('"number":3')
    const forged = await says(base, { text: 'again' }, { 'x-anon-session-token': `${token.slice(0, -4)}AAAA` })
    expect([forged.status, await forged.json()]).toMatchObject([403, { code: 'anonymous-token-invalid' }])
  })

  it('names what is wrong with a message, and starts no session for one', async () => {
    const base = await examples.start('chat/main')
    for (const [body, field] of [
      [{ text: ' ' }, 'text'],
      [{ text: 'x'.repeat(2001) }, 'text'],
      [{ text: 7 }, 'text'],
      [{ text: 'x', carrier: 'url' }, 'carrier'],
    ] as const) {
      const answer = await says(base, body)
      expect([answer.status, answer.headers.get('x-anon-session-token')]).toEqual([400, null])
      expect(await answer.json()).toMatchObject({ code: 'invalid-request', errors: [{ field }] })
    }
  })
})

it('every example that serves is run here', async () => {
  const helpers = ['served.ts', 'stock', 'users.ts', 'tsconfig.json']
  const programs = (await readdir(join(root, 'examples'))).filter((file) => !helpers.includes(file))
  expect(programs.sort()).toEqual(['chat', ...[...frameworks, 'jose', 'jsonwebtoken'].map((name) => `${name}.ts`)].sort())
})

it('the README shows the Express example as it is', async () => {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  expect(readme).toContain(await readFile(join(root, 'examples', 'express.ts'), 'utf8'))
})
