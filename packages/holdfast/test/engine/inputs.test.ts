/** Calls with what TypeScript would not let through: refused by the name of the field, and nothing is done. */
import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import { faultyStore } from '../../src/testing/index.ts'
import { start } from './support/start.ts'

// biome-ignore lint/suspicious/noExplicitAny: what this is about is that nobody checked the types.
type Untyped = any

/** Each given `session`, a live one of alice's. */
const wrong: readonly (readonly [name: string, field: string, call: (engine: Untyped, session: Untyped) => unknown])[] = [
  ['issue without an input', 'input', (engine) => engine.issue()],
  ['issue with a name alone', 'input', (engine) => engine.issue('alice')],
  ['issue without a subject', 'subject', (engine) => engine.issue({})],
  ['issue with a misspelt name', 'attribute', (engine) => engine.issue({ subject: 'alice', attribute: {} })],
  ['issue with an address that is no text', 'context', (engine) => engine.issue({ subject: 'alice', context: { ip: 5 } })],
  ['issue with a context that is text', 'context', (engine) => engine.issue({ subject: 'alice', context: '192.0.2.1' })],
  ['issue with a text for a flag', 'remember', (engine) => engine.issue({ subject: 'alice', remember: 'no' })],
  ['issue with an origin of no kind', 'origin', (engine) => engine.issue({ subject: 'alice', origin: 5 })],
  ['issue with a key that is no text', 'binding', (engine) => engine.issue({ subject: 'alice', binding: { jkt: 5 } })],
  ['issue with a session to replace', 'replaces', (engine, session) => engine.issue({ subject: 'alice', replaces: session })],
  ['issueTokens without an input', 'input', (engine) => engine.issueTokens()],
  [
    'issueTokens with a session to promote',
    'promotes',
    (engine, session) => engine.issueTokens({ subject: 'alice', promotes: session }),
  ],
  ['issueAnonymous with null', 'input', (engine) => engine.issueAnonymous(null)],
  ['promote of a session', 'session', (engine, session) => engine.promote(session, { subject: 'alice' })],
  ['promote without an input', 'input', (engine, { id }) => engine.promote(id)],
  ['regenerate of a session', 'session', (engine, session) => engine.regenerate(session)],
  ['elevate of a session', 'session', (engine, session) => engine.elevate(session, { amr: ['otp'] })],
  ['elevate without an input', 'input', (engine, { id }) => engine.elevate(id)],
  ['update of a session', 'session', (engine, session) => engine.update(session, () => ({}))],
  ['update by a value', 'change', (engine, { id }) => engine.update(id, { role: 'admin' })],
  ['get of a session', 'session', (engine, session) => engine.get(session)],
  ['verify for an address that is no text', 'context', (engine) => engine.verify('hf1_x', { ip: 5 }, { fresh: true })],
  ['verify for a context that is text', 'context', (engine) => engine.verify('hf1_x', '192.0.2.1', { fresh: true })],
  ['refresh for an address that is no text', 'context', (engine) => engine.refresh('hfr1_x', { ip: 5 })],
  ['issueTicket for an address that is no text', 'context', (engine, session) => engine.issueTicket(session, { ip: 5 })],
  ['redeemTicket for an address that is no text', 'context', (engine) => engine.redeemTicket('hft1_x', { ip: 5 })],
  ['list of a name', 'input', (engine) => engine.list('alice')],
  ['list by a misspelt filter', 'user', (engine) => engine.list({ user: 'alice' })],
  ['list of nobody in particular', 'subject', (engine) => engine.list({ subject: undefined })],
  ['list by a number', 'subject', (engine) => engine.list({ subject: 5 })],
  ['list with a text for a flag', 'liveOnly', (engine) => engine.list({ liveOnly: 'no' })],
  ['revoke of an id', 'target', (engine, { id }) => engine.revoke(id)],
  ['revoke of nothing', 'target', (engine) => engine.revoke({})],
  ['revoke of a session', 'session', (engine, session) => engine.revoke({ session })],
  ['revoke of undefined', 'session', (engine) => engine.revoke({ session: undefined })],
  ['revoke of two things', 'target', (engine, { id }) => engine.revoke({ session: id, subject: 'alice' })],
  ['revoke but for a misspelt one', 'excpt', (engine, { id }) => engine.revoke({ subject: 'alice', excpt: id })],
  ['revoke but for a session', 'except', (engine, session) => engine.revoke({ subject: 'alice', except: session })],
  ['revoke for a reason of its own', 'reason', (engine, { id }) => engine.revoke({ session: id }, { reason: 'because' })],
  ['revoke with a reason alone', 'options', (engine, { id }) => engine.revoke({ session: id }, 'admin')],
  ['revokeToken of another carrier', 'carriedBy', (engine) => engine.revokeToken('x', { carriedBy: 'cookie' })],
  ['issueTicket for an id', 'session', (engine, { id }) => engine.issueTicket(id)],
  ['attach to an id', 'session', (engine, { id }) => engine.attach(id, () => undefined)],
  ['attach without a function', 'close', (engine, session) => engine.attach(session)],
  ['connect to an id', 'session', (engine, { id }) => engine.connect(id, () => undefined)],
  ['csrfToken of a session', 'session', (engine, session) => engine.csrfToken(session)],
  ['on without a function', 'listener', (engine) => engine.on('session_created')],
  ['emit of a kind alone', 'event', (engine) => engine.emit('session_created')],
  ['emit of an unknown kind', 'kind', (engine) => engine.emit({ kind: 'constructor' })],
]

describe('a call of the wrong type', () => {
  it.each(wrong)('%s names %s, and nothing is done', async (_name, field, call) => {
    const store = faultyStore(memoryStore())
    const { engine } = start({ store })
    const { session } = await engine.issue({ subject: 'alice' })
    const [asked, events] = [store.calls(), [] as unknown[]]
    engine.on((event) => events.push(event))
    await expect((async () => call(engine, session))()).rejects.toMatchObject({ code: 'invalid-request', fields: [{ field }] })
    expect([store.calls(), events]).toEqual([asked, []])
  })

  it('of a check is refused whatever this node remembers, and remembered is what it was', async () => {
    const { engine } = start()
    const { token } = await engine.issue({ subject: 'alice', context: { ip: '192.0.2.1', userAgent: 'curl/8' } })
    const context = { ip: '192.0.2.1', userAgent: 'curl/8' }
    for (let round = 0; round < 2; round += 1) {
      for (const wrong of [{ ip: 5 }, { ...context, userAgent: {} }, 'curl/8'] as Untyped[])
        expect(() => engine.verify(token, wrong)).toThrow(expect.objectContaining({ code: 'invalid-request' }))
      expect(engine.verify(token, context)).toMatchObject({ status: 'live' })
    }
  })

  it('is dead, or no, where what is presented comes from a client', async () => {
    const { engine } = start()
    const { session } = await engine.issue({ subject: 'alice' })
    for (const presented of [5, {}, ['x'], true] as Untyped[]) {
      for (const verdict of [engine.verify(presented), engine.refresh(presented), engine.introspect(presented)])
        expect(await verdict).toEqual({ status: 'dead', reason: 'invalid' })
      expect(await engine.redeemTicket(presented)).toEqual({ status: 'dead', reason: 'invalid' })
      expect([engine.sessionOf(presented), engine.checkCsrfToken(session.id, presented)]).toEqual([undefined, false])
      expect(await engine.revokeToken(presented)).toEqual({ revoked: [], durable: true })
    }
  })
})
