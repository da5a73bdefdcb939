/** Calls on a request with what TypeScript would not let through: refused by the name of the field, and nothing is done. */
import { describe, expect, it } from 'vitest'
import { Exchange } from '../../src/http/exchange.ts'
import { createWorld } from './app.ts'
import { fakeCarrier } from './fake-carrier.ts'

// biome-ignore lint/suspicious/noExplicitAny: what this is about is that nobody checked the types.
type Untyped = any

const wrong: readonly (readonly [name: string, field: string, call: (request: Untyped) => Promise<unknown>])[] = [
  ['signIn without an input', 'input', (request) => request.signIn()],
  ['signIn with a name alone', 'input', (request) => request.signIn('alice')],
  ['signIn with a session to replace', 'replaces', (request) => request.signIn({ subject: 'alice', replaces: 'x' })],
  ['signIn with a text for a flag', 'allowCrossSite', (request) => request.signIn({ subject: 'alice', allowCrossSite: 'no' })],
  ['issueTokens without an input', 'input', (request) => request.issueTokens()],
  ['issueTokens by a misspelt carrier', 'carrier', (request) => request.issueTokens({ subject: 'alice', carrier: 'Body' })],
  ['startAnonymous by a misspelt carrier', 'carrier', (request) => request.startAnonymous({ carrier: 'cookies' })],
  ['startAnonymous with a misspelt name', 'attribute', (request) => request.startAnonymous({ attribute: {} })],
  ['visit of null', 'input', (request) => request.visit(null)],
  ['visit of a session itself', 'session', (request) => request.visit({ session: {} })],
  ['attempt of nothing', 'input', (request) => request.attempt()],
  ['attempt without a name', 'name', (request) => request.attempt({ subject: null })],
  ['attempt of what is no name', 'name', (request) => request.attempt({ name: { $ne: '' }, subject: null })],
  ['attempt of a name without end', 'name', (request) => request.attempt({ name: 'x'.repeat(1025), subject: null })],
  ['attempt without a subject', 'subject', (request) => request.attempt({ name: 'alice' })],
  ['attempt of a misspelt subject', 'user', (request) => request.attempt({ name: 'alice', user: 'alice' })],
]

describe('a call on a request', () => {
  it.each(wrong)('%s names %s, and nothing is done', async (_name, field, call) => {
    const { holdfast } = createWorld()
    const carrier = fakeCarrier({ method: 'POST', headers: { host: 'localhost' } })
    await expect(call(new Exchange(holdfast.http, carrier))).rejects.toMatchObject({
      code: 'invalid-request',
      fields: [{ field }],
    })
    expect([carrier.set.size, carrier.cookies.size]).toEqual([0, 0])
    expect((await holdfast.list()).items).toEqual([])
  })

  it('attempt of a name that nobody has is the same with null and with undefined for its subject', async () => {
    const { holdfast } = createWorld({ lockout: { failures: 3, ceiling: 3 } })
    const open = () => new Exchange(holdfast.http, fakeCarrier({ method: 'POST', headers: { host: 'localhost' } })) as Untyped
    for (const subject of [undefined, null, undefined]) {
      const attempt = await open().attempt({ name: 'nobody', subject })
      await attempt.failed()
    }
    expect((await open().attempt({ name: 'nobody', subject: undefined })).allowed).toBe(false)
    expect((await open().attempt({ name: 'nobody else', subject: undefined })).allowed).toBe(true)
  })
})
