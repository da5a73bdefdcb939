import { describe, expect, it } from 'vitest'
import { cryptoUnavailable } from '../../src/engine/errors.ts'
import { GuardedCalls, type GuardOptions, wasRefused } from '../../src/engine/guard.ts'
import { fakeClock, seededRandom } from '../../src/testing/index.ts'
import { type Deferred, deferred } from './support/start.ts'

const pause = 400

function guarded(options: Partial<Omit<GuardOptions, 'clock'>> = {}) {
  const clock = fakeClock()
  const random = seededRandom(1)
  const calls = new GuardedCalls({ clock, random, breaker: { faults: 3, pause }, maxInFlight: 4, ...options })
  const refused = () => {
    throw new Error('connection refused')
  }
  /** `answered`, `failed` or `refused`, each call asking for something else. */
  const outcome = async (call: () => unknown = () => 'here', about?: string, forced = false): Promise<string> => {
    try {
      await calls.run(500, call, about, forced)
      return 'answered'
    } catch (fault) {
      return wasRefused(fault) ? 'refused' : 'failed'
    }
  }
  const fail = async (times: number): Promise<void> => {
    for (let at = 0; at < times; at += 1) expect(await outcome(refused)).toBe('failed')
  }
  return { clock, calls, refused, outcome, fail }
}

describe('the deadline of a call', () => {
  it('costs a store that answers at once neither a promise nor a timer', () => {
    const { clock, calls } = guarded()
    expect(calls.run(500, () => 'at once')).toBe('at once')
    expect(clock.pending).toBe(0)
  })

  it('leaves no timer behind', async () => {
    const { clock, calls } = guarded()
    await expect(calls.run(500, async () => 'in a moment')).resolves.toBe('in a moment')
    expect(clock.pending).toBe(0)
    expect(calls.stats.inFlight).toBe(0)
  })

  it('turns a fault, thrown or rejected, into store-unavailable with a wait', async () => {
    const cause = new Error('connection refused')
    const unavailable = { code: 'store-unavailable', retryAfter: 1, cause }
    const { clock, calls } = guarded()
    const throwing = () => {
      throw cause
    }
    expect(() => calls.run(500, throwing)).toThrow(expect.objectContaining(unavailable))
    await expect(calls.run(500, () => Promise.reject(cause))).rejects.toMatchObject(unavailable)
    expect(calls.stats).toMatchObject({ faults: 2, timeouts: 0 })
    expect(clock.pending).toBe(0)
  })

  it('leaves a fault of ours as it is', async () => {
    const ours = cryptoUnavailable(new Error('no entropy'))
    await expect(guarded().calls.run(500, () => Promise.reject(ours))).rejects.toBe(ours)
  })

  it('ends at its instant, not before, and ignores what comes late', async () => {
    const { clock, calls } = guarded()
    const late = deferred<string>()
    let ended: unknown
    const waiting = Promise.resolve(calls.run(500, () => late.promise)).catch((fault: unknown) => {
      ended = fault
    })
    clock.advance(499)
    await Promise.resolve()
    expect(ended).toBeUndefined()
    clock.advance(1)
    await waiting
    expect(ended).toMatchObject({ code: 'store-unavailable' })
    late.reject(new Error('too late'))
    await Promise.resolve()
    expect(calls.stats).toMatchObject({ inFlight: 0, faults: 0, timeouts: 1 })
  })

  it('gives a place back once, whatever comes after it', async () => {
    const { clock, calls } = guarded()
    const [late, refusing] = [deferred<string>(), deferred<string>()]
    const waiting = [late, refusing].map(({ promise }) => Promise.resolve(calls.run(500, () => promise)))
    clock.advance(500)
    await Promise.allSettled(waiting)
    late.resolve('too late')
    refusing.reject(new Error('too late'))
    await Promise.resolve()
    expect(calls.stats).toMatchObject({ inFlight: 0, faults: 0, timeouts: 2 })
  })
})

describe('the bound on calls under way', () => {
  it('refuses the next at once, asks nothing for it, and takes calls again when one has ended', async () => {
    const { calls, outcome } = guarded()
    const waiting: Deferred<string>[] = []
    const hang = () => {
      const each = deferred<string>()
      waiting.push(each)
      return each.promise
    }
    const first = [outcome(hang), outcome(hang), outcome(hang), outcome(hang)]
    expect(await outcome(hang)).toBe('refused')
    expect(await outcome(hang, undefined, true)).toBe('refused')
    expect(waiting).toHaveLength(4)
    waiting[0]?.resolve('done')
    expect(await first[0]).toBe('answered')
    expect(await outcome()).toBe('answered')
    expect(calls.stats).toMatchObject({ inFlight: 3, refused: 2, circuit: 'closed' })
  })

  it('gives the place of a call that is never answered back at its deadline', async () => {
    const { clock, calls, outcome } = guarded({ breaker: { faults: 100, pause } })
    const hanging = Array.from({ length: 4 }, () => outcome(() => new Promise(() => undefined)))
    clock.advance(500)
    expect(await Promise.all(hanging)).toEqual(['failed', 'failed', 'failed', 'failed'])
    expect(calls.stats.inFlight).toBe(0)
    expect(await outcome()).toBe('answered')
  })
})

describe('the circuit', () => {
  it('opens after a run of faults and then asks nothing', async () => {
    const { calls, outcome, fail } = guarded()
    await fail(2)
    expect(await outcome()).toBe('answered')
    await fail(3)
    expect(calls.stats).toMatchObject({ circuit: 'open', opened: 1 })
    let asked = 0
    const ask = () => {
      asked += 1
    }
    expect(await outcome(ask)).toBe('refused')
    expect(asked).toBe(0)
  })

  it('opens after a run of answers that did not come', async () => {
    const { clock, calls, outcome } = guarded()
    const hanging = Array.from({ length: 3 }, () => outcome(() => new Promise(() => undefined)))
    clock.advance(500)
    await Promise.all(hanging)
    expect(calls.stats.circuit).toBe('open')
  })

  it('lets one call try after the pause, less at most a quarter of it', async () => {
    const { clock, calls, outcome, fail } = guarded()
    await fail(3)
    clock.advance(pause * 0.75 - 1)
    expect(calls.stats.circuit).toBe('open')
    clock.advance(pause * 0.25 + 1)
    expect(calls.stats.circuit).toBe('half-open')
    const trial = deferred<string>()
    const trying = outcome(() => trial.promise)
    expect(await outcome()).toBe('refused')
    trial.resolve('well again')
    expect(await trying).toBe('answered')
    expect(calls.stats.circuit).toBe('closed')
    expect(await outcome()).toBe('answered')
    expect(clock.pending).toBe(0)
  })

  it('stays open for another pause when that one fails, however it fails', async () => {
    const { clock, calls, outcome, refused, fail } = guarded()
    await fail(3)
    clock.advance(pause)
    expect(await outcome(refused)).toBe('failed')
    expect(calls.stats).toMatchObject({ circuit: 'open', opened: 1 })
    clock.advance(pause)
    const trying = outcome(() => new Promise(() => undefined))
    clock.advance(500)
    expect(await trying).toBe('failed')
    expect(calls.stats.circuit).toBe('open')
    clock.advance(pause)
    expect(await outcome()).toBe('answered')
  })

  it('takes no answer from before for one from after', async () => {
    const { clock, calls, outcome, fail } = guarded()
    const before = [deferred<string>(), deferred<string>()] as const
    const early = before.map(({ promise }) => outcome(() => promise))
    await fail(3)
    before[0].resolve('from before the outage')
    expect(await early[0]).toBe('answered')
    expect(calls.stats.circuit).toBe('open')
    clock.advance(pause)
    expect(await outcome()).toBe('answered')
    await fail(2)
    before[1].reject(new Error('of the outage'))
    expect(await early[1]).toBe('failed')
    expect(calls.stats.circuit).toBe('closed')
  })

  it('lets pass what is forced, and stays as it is whatever comes of that', async () => {
    const { clock, calls, outcome, refused, fail } = guarded()
    const force = (call: () => unknown) => outcome(call, undefined, true)
    await fail(3)
    expect([await force(refused), await force(() => 'recorded')]).toEqual(['failed', 'answered'])
    expect(await force(async () => 'recorded')).toBe('answered')
    expect(calls.stats.circuit).toBe('open')
    clock.advance(pause)
    expect([await force(refused), await force(() => 'recorded')]).toEqual(['failed', 'answered'])
    expect(calls.stats.circuit).toBe('half-open')
    expect(await outcome()).toBe('answered')
    expect(calls.stats.circuit).toBe('closed')
  })

  it('opens although what is forced is answered in between, as by a store that is full', async () => {
    const { calls, outcome, fail } = guarded()
    for (let at = 0; at < 3; at += 1) {
      await fail(1)
      await outcome(() => 'revoked', undefined, true)
    }
    expect(calls.stats.circuit).toBe('open')
  })

  it('is not opened by one thing that cannot be read, however often it is asked for', async () => {
    const { calls, outcome, refused } = guarded()
    for (let asked = 0; asked < 20; asked += 1) expect(await outcome(refused, 'one session')).toBe('failed')
    expect(calls.stats.circuit).toBe('closed')
    await outcome(refused, 'another')
    await outcome(refused, 'a third')
    expect(calls.stats.circuit).toBe('open')
  })

  it('does not depend on a wall clock that goes back', async () => {
    const { clock, calls, fail } = guarded()
    await fail(3)
    clock.jumpTo(clock.now() - 86_400_000)
    clock.advance(pause)
    expect(calls.stats.circuit).toBe('half-open')
  })

  it('waits the whole pause when there is no randomness to spread it', async () => {
    const random = () => {
      throw new Error('no entropy')
    }
    const { clock, calls, fail } = guarded({ random })
    await fail(3)
    clock.advance(pause - 1)
    expect(calls.stats.circuit).toBe('open')
    clock.advance(1)
    expect(calls.stats.circuit).toBe('half-open')
  })

  it('holds no timer once stopped', async () => {
    const { clock, calls, fail } = guarded()
    await fail(3)
    calls.stop()
    expect(clock.pending).toBe(0)
  })
})
