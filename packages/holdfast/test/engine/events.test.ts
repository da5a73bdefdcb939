import { describe, expect, it, vi } from 'vitest'
import { Events, type SecurityEvent } from '../../src/engine/events.ts'
import { categoryOf, type EventKind, eventKinds, eventSeverities } from '../../src/shared/event-kinds.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { chrome, firefox, hour, second, settle, start } from './support/start.ts'
import { allMethods, failingStore } from './support/stores.ts'

const empty = {
  schema: 1,
  at: 42,
  session: null,
  subject: null,
  actor: null,
  ip: null,
  object: null,
  reason: null,
  outcome: null,
}
const kinds = Object.keys(eventKinds) as EventKind[]

describe('events', () => {
  it('are whole, frozen and told in order to every listener', () => {
    const events = new Events(() => 42, vi.fn())
    const told: SecurityEvent[] = []
    events.on((event) => told.push(event))
    events.emit({ kind: 'session_created', session: 's', subject: 'alice' })
    events.emit({ kind: 'session_everyone_out' })
    expect(told).toEqual([
      { ...empty, kind: 'session_created', session: 's', subject: 'alice' },
      { ...empty, kind: 'session_everyone_out' },
    ])
    expect(told.every(Object.isFrozen)).toBe(true)
  })

  it('reach the other listeners when one throws or rejects', async () => {
    const onFault = vi.fn()
    const events = new Events(() => 0, onFault)
    const told = vi.fn()
    events.on(() => {
      throw new Error('now')
    })
    events.on((() => Promise.reject(new Error('later'))) as () => void)
    events.on(told)
    events.emit({ kind: 'session_revoked' })
    await settle()
    expect(told).toHaveBeenCalledOnce()
    expect(onFault.mock.calls.map(([fault, doing]) => [(fault as Error).message, doing])).toEqual([
      ['now', 'telling a listener of session_revoked'],
      ['later', 'telling a listener of session_revoked'],
    ])
  })

  it('are no longer told to a listener that stopped', () => {
    const events = new Events(() => 0, vi.fn())
    const told = vi.fn()
    const stop = events.on(told)
    stop()
    stop()
    events.emit({ kind: 'session_created' })
    expect(told).not.toHaveBeenCalled()
  })

  it('are told of every kind that is about sessions', async () => {
    const failing = failingStore(memoryStore())
    const { engine, clock, events } = start({
      store: failing.store,
      sessionsPerSubject: { max: 2 },
      rememberedChecks: 0,
      shadow: { ipChange: 'deny' },
    })
    const alice = await engine.issue({ subject: 'alice', context: firefox })
    const { id } = alice.session
    clock.advance(1)
    for (const ip of ['198.51.100.1', firefox.ip, '198.51.100.1']) {
      await engine.verify(alice.token, { ...firefox, ip })
      clock.advance(second)
      await settle()
    }
    await engine.verify(alice.token, chrome)
    await engine.verify('forged')
    await engine.update(id, () => ({ n: 1 }))
    await engine.elevate(id, { amr: ['otp'] })
    await engine.regenerate(id)
    await engine.verify(alice.token)
    const { refreshToken } = await engine.issueTokens({ subject: 'bob', context: firefox })
    await engine.refresh(refreshToken, firefox)
    await engine.refresh(refreshToken, firefox)
    await engine.refresh(refreshToken, chrome)
    const visitor = await engine.issueAnonymous()
    await engine.promote(visitor.session.id, { subject: 'alice' })
    await engine.verify(visitor.token)
    const phone = await engine.issue({ subject: 'alice' })
    engine.attach(phone.session, () => undefined)
    clock.jumpTo(clock.now() + 13 * hour)
    clock.advance(second)
    await settle()
    await engine.verify(phone.token)
    await engine.revokeAll()
    failing.failing = allMethods
    await engine.verify(phone.token)
    const ours = kinds.filter((kind) => categoryOf(kind) === 'session')
    expect(new Set(events.map(({ kind }) => kind))).toEqual(new Set([...ours, 'authn_token_reuse']))
  })

  it('of the app are told to the same listeners', () => {
    const { engine, events, clock } = start()
    engine.emit({ kind: 'authn_login_fail', subject: 'alice', ip: '192.0.2.1', reason: 'wrong-password' })
    expect(events).toEqual([
      {
        ...empty,
        at: clock.now(),
        kind: 'authn_login_fail',
        subject: 'alice',
        ip: '192.0.2.1',
        reason: 'wrong-password',
      },
    ])
  })

  it('have names in the style of the OWASP vocabulary, a severity of its and a meaning each', () => {
    for (const [kind, { severity, means }] of Object.entries(eventKinds)) {
      expect(kind).toMatch(/^[a-z]+(_[a-z]+)+$/)
      expect(eventSeverities).toContain(severity)
      expect(means.length).toBeGreaterThan(10)
    }
  })
})
