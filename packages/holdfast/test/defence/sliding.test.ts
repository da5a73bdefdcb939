import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { SlidingCount } from '../../src/defence/sliding.ts'
import type { CounterStore } from '../../src/store/counters.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { fakeClock } from '../../src/testing/clock.ts'

const rule = { most: 10, windowMs: 60_000 }
const shortest = (rule.windowMs / 5) * 4

function sliding(counters: CounterStore = memoryStore().counters) {
  const clock = fakeClock()
  return { clock, counters, count: new SlidingCount(counters, clock, rule, 'k') }
}

async function takes(count: SlidingCount, times: number): Promise<number> {
  const taken = await Promise.all(Array.from({ length: times }, () => count.take()))
  return taken.filter(({ allowed }) => allowed).length
}

describe('a sliding count', () => {
  test('allows exactly its limit of 64 parallel takes', async () => {
    const { count } = sliding()
    expect(await takes(count, 64)).toBe(10)
    expect(await takes(count, 1)).toBe(0)
  })

  test('has no second budget around the end of a window', async () => {
    const { count, clock } = sliding()
    clock.advance(59_000)
    expect(await takes(count, 20)).toBe(10)
    clock.advance(1000)
    expect(await takes(count, 20)).toBe(0)
    clock.advance(47_999)
    expect(await takes(count, 20)).toBe(0)
    clock.advance(1)
    expect(await takes(count, 20)).toBe(10)
  })

  test('counts nothing that is older than the window', async () => {
    const { count, clock } = sliding()
    expect(await takes(count, 9)).toBe(9)
    clock.advance(60_000)
    expect(await takes(count, 10)).toBe(10)
  })

  test('keeps five counters per key at most, and they end by themselves', async () => {
    const { count, clock, counters } = sliding()
    for (let round = 0; round < 40; round += 1) {
      await count.take()
      expect((await counters.list('', clock.now(), 100)).length).toBeLessThanOrEqual(5)
      clock.advance(12_000)
    }
    clock.advance(60_000)
    await counters.sweep(clock.now(), 100)
    expect(await counters.list('', 0, 100)).toEqual([])
  })

  test('forgets when told to', async () => {
    const { count, clock } = sliding()
    await takes(count, 5)
    clock.advance(30_000)
    await takes(count, 5)
    await count.forget()
    expect(await takes(count, 20)).toBe(10)
  })

  test('forgets what was counted since, and leaves alone the parts that it found empty', async () => {
    const counters = memoryStore().counters
    const reset = vi.spyOn(counters, 'reset')
    const { count, clock } = sliding(counters)
    await count.take()
    clock.advance(24_000)
    await count.take()
    clock.advance(12_000)
    await new SlidingCount(counters, clock, rule, 'k').take()
    await count.forget()
    expect(reset).toHaveBeenCalledTimes(3)
    expect(await counters.list('', clock.now(), 10)).toEqual([])
  })

  test.each(['read', 'add'] as const)('cannot tell when the counters fail to %s', async (call) => {
    const broken: CounterStore = Object.assign(memoryStore().counters, { [call]: () => Promise.reject(new Error('down')) })
    await expect(sliding(broken).count.take()).rejects.toMatchObject({ code: 'store-unavailable' })
  })
})

describe('for any order of attempts, a sliding count', () => {
  const waits = fc.array(fc.nat({ max: 20_000 }), { minLength: 1, maxLength: 100 })

  test('agrees with a log of every attempt, to one part of its window', async () => {
    await fc.assert(
      fc.asyncProperty(waits, async (each) => {
        const { count, clock } = sliding()
        const log: number[] = []
        const since = (ms: number) => log.filter((at) => at > clock.now() - ms).length
        for (const wait of each) {
          clock.advance(wait)
          const { allowed } = await count.take()
          if (since(rule.windowMs) < rule.most) expect(allowed).toBe(true)
          if (since(shortest) >= rule.most) expect(allowed).toBe(false)
          if (allowed) log.push(clock.now())
        }
      }),
    )
  })

  test('is one budget for two nodes whose clocks differ by a second', async () => {
    const skew = 1000
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat({ max: 20_000 }), fc.boolean()), { minLength: 1, maxLength: 100 }),
        async (each) => {
          const { counters, clock, count } = sliding()
          const ahead = fakeClock(clock.now() + skew)
          const other = new SlidingCount(counters, ahead, rule, 'k')
          const log: number[] = []
          for (const [wait, isAhead] of each) {
            clock.advance(wait)
            ahead.advance(wait)
            const { allowed } = await (isAhead ? other : count).take()
            if (allowed) log.push(clock.now())
            expect(log.filter((at) => at > clock.now() - (shortest - skew)).length).toBeLessThanOrEqual(rule.most)
          }
        },
      ),
    )
  })

  test('says exactly when the next one gets in', async () => {
    await fc.assert(
      fc.asyncProperty(waits, async (each) => {
        const { count, clock } = sliding()
        let told: number | undefined
        for (const wait of each) {
          clock.advance(wait)
          const taken = await count.take()
          told = taken.allowed ? undefined : taken.retryAt
        }
        if (told === undefined) return
        clock.advance(told - clock.now() - 1)
        expect(await count.take()).toEqual({ allowed: false, retryAt: told })
        clock.advance(1)
        expect(await count.take()).toMatchObject({ allowed: true })
      }),
    )
  })
})
