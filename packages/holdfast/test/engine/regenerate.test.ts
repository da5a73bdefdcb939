import { describe, expect, it } from 'vitest'
import type { Issued } from '../../src/engine/session.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { chrome, firefox, hour, minute, must, outcome, type Started, second, start } from './support/start.ts'
import { failingStore } from './support/stores.ts'

async function signedIn(options: Parameters<typeof start>[0] = {}) {
  const started = start(options)
  const issued = await started.engine.issue({ subject: 'alice', amr: ['pwd'], acr: 'aal1', context: firefox })
  await started.engine.verify(issued.token)
  return { ...started, issued, id: issued.session.id }
}

async function assurance({ engine }: Started, { token }: Pick<Issued, 'token'>, fresh = false) {
  const verdict = await engine.verify(token, undefined, { fresh })
  if (verdict.status !== 'live') return verdict
  const { amr, acr, elevatedUntil } = verdict.session
  return { amr, acr, elevated: elevatedUntil !== null }
}

const low = { amr: ['pwd'], acr: 'aal1', elevated: false }
const high = { amr: ['pwd', 'otp'], acr: 'aal2', elevated: true }
const stepUp = { amr: ['otp'], acr: 'aal2' }

describe('regenerate', () => {
  it('kills the old secret at once and keeps everything else', async () => {
    const started = await signedIn()
    const renewed = must(await started.engine.regenerate(started.id))
    expect(renewed.session.id).toBe(started.id)
    expect(renewed.session.createdAt).toBe(started.issued.session.createdAt)
    expect(await outcome(started, started.issued)).toBe('superseded')
    expect(await outcome(started, renewed)).toBe('live')
    expect(started.told()).toEqual(['session_created', 'session_renewed', 'session_token_superseded'])
  })

  it('kills a secret that a step-up had left good for a while', async () => {
    const started = await signedIn()
    const raised = must(await started.engine.elevate(started.id, stepUp))
    const renewed = must(await started.engine.regenerate(started.id))
    expect(await outcome(started, started.issued)).toBe('superseded')
    expect(await outcome(started, raised)).toBe('superseded')
    expect(await assurance(started, renewed)).toEqual(high)
  })

  it('carries a step-up that holds, and none that has decayed, whatever the clock does then', async () => {
    const started = await signedIn()
    await started.engine.elevate(started.id, stepUp)
    expect(await assurance(started, must(await started.engine.regenerate(started.id)))).toEqual(high)
    started.clock.advance(10 * minute)
    const late = must(await started.engine.regenerate(started.id))
    started.clock.jumpTo(started.clock.now() - minute)
    expect(await assurance(started, late, true)).toEqual(low)
  })

  it('makes no step-up younger: it tells when it was made', async () => {
    const started = await signedIn()
    const { session } = must(await started.engine.elevate(started.id, stepUp))
    const made = started.clock.now()
    started.clock.advance(5 * minute)
    const renewed = must(await started.engine.regenerate(started.id))
    expect([session.elevatedAt, renewed.session.elevatedAt]).toEqual([made, made])
    started.clock.advance(5 * minute)
    expect(must((await started.engine.list({ subject: 'alice' })).items[0]).elevatedAt).toBeNull()
  })

  it('leaves one secret that works when 64 callers ask at once', async () => {
    const started = await signedIn()
    const all = await Promise.all(Array.from({ length: 64 }, () => started.engine.regenerate(started.id)))
    const outcomes = await Promise.all(all.map((one) => outcome(started, must(one))))
    expect(outcomes.filter((one) => one === 'live')).toHaveLength(1)
    expect(outcomes.filter((one) => one === 'superseded')).toHaveLength(63)
  })

  it('works for a visitor, whose token stays one of a visitor', async () => {
    const started = start()
    const visitor = await started.engine.issueAnonymous()
    const renewed = must(await started.engine.regenerate(visitor.session.id))
    expect(renewed.token).toMatch(/^hfa1_/)
    expect(await outcome(started, renewed)).toBe('live')
    expect(await outcome(started, visitor)).toBe('superseded')
  })

  it('gives nothing for what is not there or has ended', async () => {
    const started = await signedIn()
    expect(await started.engine.regenerate('no such session')).toBeUndefined()
    await started.engine.revoke({ session: started.id })
    expect(await started.engine.regenerate(started.id)).toBeUndefined()
    expect(await started.engine.elevate(started.id, stepUp)).toBeUndefined()
  })

  it.each(['regenerate', 'elevate'] as const)('and elevate: %s signs nobody out by a lost answer', async (operation) => {
    const failing = failingStore(memoryStore())
    const started = await signedIn({ store: failing.store })
    failing.failAt(2, 'after')
    const renewed = must(
      await (operation === 'elevate' ? started.engine.elevate(started.id, stepUp) : started.engine.regenerate(started.id)),
    )
    expect(await outcome(started, renewed)).toBe('live')
    started.clock.advance(minute)
    expect(await outcome(started, renewed)).toBe('live')
  })
})

describe('elevate', () => {
  it('gives the new rights to the new secret only; the old one keeps its own for ten seconds', async () => {
    const started = await signedIn()
    const raised = must(await started.engine.elevate(started.id, stepUp))
    expect(raised.session).toMatchObject({ ...stepUp, amr: ['pwd', 'otp'], elevatedUntil: started.clock.now() + 10 * minute })
    for (const fresh of [false, true, false]) {
      expect(await assurance(started, raised, fresh)).toEqual(high)
      expect(await assurance(started, started.issued, fresh)).toEqual(low)
    }
    started.clock.advance(10 * second - 1)
    expect(await assurance(started, started.issued)).toEqual(low)
    started.clock.advance(1)
    expect(await outcome(started, started.issued)).toBe('superseded')
    expect(await outcome(started, started.issued, undefined, { fresh: true })).toBe('superseded')
    expect(await assurance(started, raised)).toEqual(high)
  })

  it('ends the grace while the old secret is still remembered', async () => {
    const started = await signedIn({ maxStaleness: '1m' })
    await started.engine.elevate(started.id, stepUp)
    expect(await outcome(started, started.issued)).toBe('live')
    started.clock.advance(10 * second)
    expect(await outcome(started, started.issued)).toBe('superseded')
  })

  it('decays at its instant, remembered or not, and leaves the session', async () => {
    for (const fresh of [false, true]) {
      const started = await signedIn({ maxStaleness: '1m' })
      const raised = must(await started.engine.elevate(started.id, { ...stepUp, forMs: 5 * minute }))
      expect(await assurance(started, raised)).toEqual(high)
      started.clock.advance(5 * minute - 1)
      expect(await assurance(started, raised, fresh)).toEqual(high)
      started.clock.advance(1)
      expect(await assurance(started, raised, fresh)).toEqual(low)
    }
  })

  it('never holds longer than its option or the session', async () => {
    const started = await signedIn({ limits: { signedIn: { idle: '30m', absolute: '30m' } } })
    const long = must(await started.engine.elevate(started.id, { ...stepUp, forMs: 5 * hour }))
    expect(long.session.elevatedUntil).toBe(started.clock.now() + 10 * minute)
    started.clock.advance(25 * minute)
    const late = must(await started.engine.elevate(started.id, stepUp))
    expect(late.session.elevatedUntil).toBe(late.session.absoluteExpiresAt)
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 0, -1, 0.5, '5m'])(
    'refuses a length of %s and changes nothing',
    async (forMs) => {
      const started = await signedIn()
      await expect(started.engine.elevate(started.id, { ...stepUp, forMs: forMs as number })).rejects.toMatchObject({
        code: 'invalid-request',
      })
      expect(await assurance(started, started.issued, true)).toEqual(low)
    },
  )

  it('leaves no grace when set to none', async () => {
    const started = await signedIn({ stepUpGrace: 0 })
    await started.engine.elevate(started.id, stepUp)
    expect(await outcome(started, started.issued)).toBe('superseded')
  })

  it('keeps one secret in grace: the one before the latest step-up', async () => {
    const started = await signedIn()
    const first = must(await started.engine.elevate(started.id, stepUp))
    const latest = must(await started.engine.elevate(started.id, stepUp))
    expect(await outcome(started, started.issued)).toBe('superseded')
    expect(await assurance(started, first)).toEqual(low)
    expect(await assurance(started, latest)).toEqual(high)
  })

  it('piles up no methods and takes nothing from the sign-in', async () => {
    const started = await signedIn()
    await started.engine.elevate(started.id, { amr: ['otp', 'hwk'] })
    const latest = must(await started.engine.elevate(started.id, { amr: ['pwd', 'sms'] }))
    expect(await assurance(started, latest)).toEqual({ amr: ['pwd', 'sms'], acr: 'aal1', elevated: true })
  })

  it('is not for a visitor', async () => {
    const { engine } = start()
    const visitor = await engine.issueAnonymous()
    expect(await engine.elevate(visitor.session.id, stepUp)).toBeUndefined()
    expect(await engine.verify(visitor.token)).toMatchObject({ status: 'live' })
  })

  it('keeps the client when it is told of none', async () => {
    const started = await signedIn()
    const raised = must(await started.engine.elevate(started.id, stepUp))
    expect(await outcome(started, raised, firefox)).toBe('live')
    expect(await outcome(started, raised, chrome)).toBe('binding-mismatch')
  })
})
