import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import type { Instant, SessionRecord, SessionStore } from '../../src/store/store.ts'
import { day, hour, minute, must, outcome, type Started, second, settle, start } from './support/start.ts'

const short = { signedIn: { idle: '30m', absolute: '2h' }, anonymous: { idle: '10m', absolute: '1h' } } as const

/** Moves time on while the session is used every `every` ms. */
async function useFor(started: Started, issued: { token: string }, ms: number, every: number) {
  for (let passed = 0; passed < ms; passed += every) {
    started.clock.advance(every)
    await settle()
    await started.engine.verify(issued.token)
  }
}

describe('the idle limit', () => {
  it.each([
    ['a signed-in session', 30 * minute, 'issue'],
    ['a remembered one', 14 * day, 'remember'],
    ['a visitor', 10 * minute, 'anonymous'],
  ])('ends %s at its instant and not one millisecond before', async (_, idle, kind) => {
    const started = start()
    const issued =
      kind === 'anonymous'
        ? await started.engine.issueAnonymous()
        : await started.engine.issue({ subject: 'alice', remember: kind === 'remember' })
    const almost = { ...started, engine: started.engine }
    started.clock.advance(idle - 1)
    // Listing looks without touching.
    expect((await almost.engine.list()).items).toHaveLength(1)
    started.clock.advance(1)
    expect((await almost.engine.list()).items).toHaveLength(0)
    expect(await outcome(started, issued)).toBe('idle-timeout')
  })

  it('is accepted at the last millisecond, and moved on by that', async () => {
    const started = start()
    const issued = await started.engine.issue({ subject: 'alice' })
    started.clock.advance(30 * minute - 1)
    expect(await outcome(started, issued)).toBe('live')
    started.clock.advance(30 * minute - 1)
    expect(await outcome(started, issued)).toBe('live')
    started.clock.advance(30 * minute)
    expect(await outcome(started, issued)).toBe('idle-timeout')
    expect(await outcome(started, issued, undefined, { fresh: true })).toBe('idle-timeout')
    expect(started.told().filter((kind) => kind === 'session_use_after_expire')).toHaveLength(2)
  })

  it('is met although the verified session is still remembered', async () => {
    const started = start({ limits: { signedIn: { idle: '1s', absolute: '2h' } }, maxStaleness: '1m' })
    const issued = await started.engine.issue({ subject: 'alice' })
    expect(await outcome(started, issued)).toBe('live')
    started.clock.advance(999)
    expect(await outcome(started, issued)).toBe('live')
    started.clock.advance(1000)
    expect(await outcome(started, issued)).toBe('idle-timeout')
  })
})

describe('the absolute limit', () => {
  it('is extended by nothing: use, step-up, a new secret, an update', async () => {
    const started = start({ limits: short })
    let issued = await started.engine.issue({ subject: 'alice' })
    const { absoluteExpiresAt, id } = issued.session
    await useFor(started, issued, 80 * minute, 20 * minute)
    issued = must(await started.engine.elevate(id, { amr: ['otp'], forMs: 5 * hour }))
    expect(issued.session.elevatedUntil).toBeLessThanOrEqual(absoluteExpiresAt)
    issued = must(await started.engine.regenerate(id))
    await started.engine.update(id, () => ({ n: 1 }))
    await useFor(started, issued, 38 * minute, 19 * minute)
    started.clock.advance(2 * minute - 1)
    expect(await outcome(started, issued)).toBe('live')
    expect((await started.engine.get(id))?.absoluteExpiresAt).toBe(absoluteExpiresAt)
    started.clock.advance(1)
    expect(await outcome(started, issued)).toBe('absolute-timeout')
    expect(await outcome(started, issued, undefined, { fresh: true })).toBe('absolute-timeout')
    expect(await started.engine.elevate(id, { amr: ['otp'] })).toBeUndefined()
    expect(await started.engine.regenerate(id)).toBeUndefined()
    expect(await started.engine.update(id, () => ({}))).toBeUndefined()
  })

  it('starts anew only with a new session', async () => {
    const started = start({ limits: short })
    const visitor = await started.engine.issueAnonymous()
    started.clock.advance(5 * minute)
    const promoted = must(await started.engine.promote(visitor.session.id, { subject: 'alice' }))
    expect(promoted.session.absoluteExpiresAt).toBe(started.clock.now() + 2 * hour)
  })

  it('is never passed by what is recorded of a session, whatever it did', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 45 * minute }), { maxLength: 12 }), async (waits) => {
        const started = start({ limits: short })
        const issued = await started.engine.issue({ subject: 'alice' })
        for (const wait of waits) {
          started.clock.advance(wait)
          await started.engine.verify(issued.token)
        }
        started.clock.advance(second)
        await settle()
        const { idleExpiresAt } = must(await started.store.get(issued.session.id))
        expect(idleExpiresAt).toBeLessThanOrEqual(issued.session.absoluteExpiresAt)
      }),
      { numRuns: 40 },
    )
  })
})

describe('a clock that jumps', () => {
  it('forward ends what is over by it, and deletes nothing', async () => {
    const started = start({ limits: short })
    const issued = await started.engine.issue({ subject: 'alice' })
    await started.engine.verify(issued.token)
    started.clock.jumpTo(started.clock.now() + day)
    expect(await outcome(started, issued)).toBe('absolute-timeout')
    expect(await started.store.get(issued.session.id)).toBeDefined()
  })

  it('back moves no stored limit, so that the session ends at the instant it was to end at', async () => {
    const started = start({ limits: short })
    const issued = await started.engine.issue({ subject: 'alice' })
    const { absoluteExpiresAt } = issued.session
    started.clock.advance(20 * minute)
    await started.engine.verify(issued.token)
    started.clock.advance(second)
    await settle()
    const before = must(await started.store.get(issued.session.id))
    started.clock.jumpTo(issued.session.createdAt - day)
    await started.engine.verify(issued.token)
    started.clock.advance(second)
    await settle()
    expect(await started.store.get(issued.session.id)).toMatchObject({
      seenAt: before.seenAt,
      idleExpiresAt: before.idleExpiresAt,
      absoluteExpiresAt,
    })
    started.clock.jumpTo(absoluteExpiresAt)
    expect(await outcome(started, issued)).toBe('absolute-timeout')
  })

  it('back revives no revoked session', async () => {
    const started = start()
    const issued = await started.engine.issue({ subject: 'alice' })
    await started.engine.revoke({ session: issued.session.id })
    started.clock.jumpTo(issued.session.createdAt)
    expect(await outcome(started, issued)).toBe('admin')
  })
})

describe('stored times that are no instants', () => {
  function tampered(changes: Partial<SessionRecord>): SessionStore {
    const store = memoryStore()
    return {
      ...store,
      get: async (id) => {
        const record = await store.get(id)
        return record && { ...record, ...changes }
      },
    }
  }

  it.each([Number.NaN, Number.NEGATIVE_INFINITY, 'never', null, undefined, {}, 0])(
    'never make %s mean "for ever"',
    async (bad) => {
      for (const limit of ['idleExpiresAt', 'absoluteExpiresAt']) {
        const started = start({ store: tampered({ [limit]: bad as Instant }) })
        const issued = await started.engine.issue({ subject: 'alice' })
        expect(await outcome(started, issued)).toMatch(/^(idle|absolute)-timeout$/)
        expect(await started.engine.regenerate(issued.session.id)).toBeUndefined()
      }
    },
  )

  it.each([Number.NaN, 'never', null, undefined, {}])('never make a step-up or a replaced secret hold until %s', async (bad) => {
    const until = bad as Instant
    const started = start({ store: tampered({ elevation: { until, amr: ['otp'], acr: 'aal2' } }) })
    const issued = await started.engine.issue({ subject: 'alice', amr: ['pwd'] })
    expect(await started.engine.verify(issued.token)).toMatchObject({ session: { elevatedUntil: null, amr: ['pwd'] } })

    const store = memoryStore()
    const rotated = start({ store })
    const old = await rotated.engine.issue({ subject: 'alice' })
    const { digest } = must(await store.get(old.session.id))
    await rotated.engine.elevate(old.session.id, { amr: ['otp'] })
    const reading = { ...store, get: async (id: string) => ({ ...must(await store.get(id)), previous: { digest, until } }) }
    expect(await outcome(start({ store: reading, clock: rotated.clock }), old)).toBe('superseded')
  })
})
