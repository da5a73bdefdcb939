import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import { day, hour, minute, outcome, settle, start } from './support/start.ts'
import { failingStore } from './support/stores.ts'

describe('sweep', () => {
  it('deletes what ended its retention ago, and not one millisecond earlier', async () => {
    const started = start()
    const { engine, clock } = started
    const revoked = await engine.issue({ subject: 'alice' })
    const expiring = await engine.issue({ subject: 'alice' })
    await engine.revoke({ session: revoked.session.id }, { reason: 'logout' })
    clock.jumpTo(clock.now() + day - 1)
    expect(await engine.sweep()).toBe(0)
    expect(await outcome(started, revoked)).toBe('logout')
    clock.jumpTo(clock.now() + 1)
    expect(await engine.sweep()).toBe(1)
    expect(await outcome(started, revoked)).toBe('not-found')
    expect(await outcome(started, expiring)).toMatch(/-timeout$/)
    clock.jumpTo(clock.now() + 30 * minute)
    expect(await engine.sweep()).toBe(1)
    expect(await outcome(started, expiring)).toBe('not-found')
  })

  it('keeps ended visitors five minutes only', async () => {
    const { engine, clock } = start()
    const { session } = await engine.issueAnonymous()
    clock.jumpTo(session.idleExpiresAt + 5 * minute - 1)
    expect(await engine.sweep()).toBe(0)
    clock.jumpTo(session.idleExpiresAt + 5 * minute)
    expect(await engine.sweep()).toBe(1)
  })

  it('never deletes a live session, even after thousands of days of sweeps by timer', async () => {
    const started = start({ limits: { signedIn: { idle: '400d', absolute: '400d' } } })
    const issued = await started.engine.issue({ subject: 'alice' })
    for (let passed = 0; passed < 100; passed += 1) {
      started.clock.advance(hour)
      await settle()
    }
    expect(await outcome(started, issued)).toBe('live')
  })

  it('runs every five minutes by itself, in batches, and goes on after a fault', async () => {
    const failing = failingStore(memoryStore())
    const { engine, clock, faults } = start({ store: failing.store, retention: 0, sessionsPerSubject: 'unlimited' })
    for (let at = 0; at < 1200; at += 1) await engine.issue({ subject: `user ${at}` })
    clock.jumpTo(clock.now() + hour)
    failing.failing = new Set(['sweep'])
    clock.advance(5 * minute)
    await settle()
    expect(faults.map(({ doing }) => doing)).toEqual(['sweeping ended sessions'])
    failing.recover()
    failing.calls.length = 0
    clock.advance(5 * minute)
    const sweeps = () => failing.calls.filter((method) => method === 'sweep').length
    // Requests have a turn between two batches.
    expect(sweeps()).toBe(1)
    for (let turn = 0; turn < 8; turn += 1) await settle()
    expect(sweeps()).toBe(3)
    expect((await engine.list({ liveOnly: false })).items).toEqual([])
  })

  it('takes the companions of a whole store along', async () => {
    const store = memoryStore()
    const { engine, clock } = start({ store })
    const now = clock.now()
    await store.tickets.put({ id: 't', expiresAt: now + 1, data: null })
    await store.counters.add('c', 1, { now, windowMs: 1 })
    clock.advance(1)
    await engine.sweep()
    expect(await store.tickets.sweep(now + hour, 10)).toBe(0)
    expect(await store.counters.sweep(now + hour, 10)).toBe(0)
  })
})
