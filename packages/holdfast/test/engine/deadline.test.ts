import { describe, expect, it } from 'vitest'
import { within } from '../../src/engine/deadline.ts'
import { cryptoUnavailable } from '../../src/engine/errors.ts'
import { fakeClock } from '../../src/testing/index.ts'
import { deferred } from './support/start.ts'

describe('a deadline', () => {
  it('gives the answer and leaves no timer behind', async () => {
    const clock = fakeClock()
    await expect(within(clock, 500, () => 'at once')).resolves.toBe('at once')
    await expect(within(clock, 500, async () => 'in a moment')).resolves.toBe('in a moment')
    expect(clock.pending).toBe(0)
  })

  it('turns a fault, thrown or rejected, into store-unavailable with a wait', async () => {
    const cause = new Error('connection refused')
    const unavailable = { code: 'store-unavailable', retryAfter: 1, cause }
    const clock = fakeClock()
    const throwing = () => {
      throw cause
    }
    await expect(within(clock, 500, throwing)).rejects.toMatchObject(unavailable)
    await expect(within(clock, 500, () => Promise.reject(cause))).rejects.toMatchObject(unavailable)
    expect(clock.pending).toBe(0)
  })

  it('leaves a fault of ours as it is', async () => {
    const ours = cryptoUnavailable(new Error('no entropy'))
    await expect(within(fakeClock(), 500, () => Promise.reject(ours))).rejects.toBe(ours)
  })

  it('ends at its instant, not before, and ignores what comes late', async () => {
    const clock = fakeClock()
    const late = deferred<string>()
    let ended: unknown
    const waiting = within(clock, 500, () => late.promise).catch((fault: unknown) => {
      ended = fault
    })
    clock.advance(499)
    await Promise.resolve()
    expect(ended).toBeUndefined()
    clock.advance(1)
    await waiting
    expect(ended).toMatchObject({ code: 'store-unavailable' })
    late.reject(new Error('too late'))
  })
})
