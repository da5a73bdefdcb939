import { describe, expect, test } from 'vitest'
import { createAnonymousBudget, sourceOf } from '../../src/defence/anonymous-budget.ts'
import type { CounterStore } from '../../src/store/counters.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { fakeClock } from '../../src/testing/clock.ts'

function budget(counters: CounterStore = memoryStore().counters) {
  const clock = fakeClock()
  return { clock, budget: createAnonymousBudget({ counters, clock, perMinute: 10 }) }
}

describe('the budget of anonymous sessions', () => {
  test('gives each source ten a minute, to 64 callers at once too', async () => {
    const { budget: one, clock } = budget()
    const spent = await Promise.allSettled(Array.from({ length: 64 }, () => one.spend('203.0.113.1')))
    expect(spent.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
    clock.advance(20_000)
    await expect(one.spend('203.0.113.1')).rejects.toMatchObject({ code: 'rate-limited', retryAfter: 40 })
    await expect(one.spend('203.0.113.2')).resolves.toBeUndefined()
    clock.advance(40_000)
    await expect(one.spend('203.0.113.1')).resolves.toBeUndefined()
  })

  test('counts IPv4 by address, IPv6 by /64, and the unknown together', () => {
    expect(sourceOf('203.0.113.1')).not.toBe(sourceOf('203.0.113.2'))
    expect(sourceOf('2001:db8::1')).toBe(sourceOf('2001:db8:0:0:ffff::2'))
    expect(sourceOf('2001:db8::1')).not.toBe(sourceOf('2001:db8:0:1::1'))
    expect(sourceOf(undefined)).toBe('unknown')
  })

  test('cannot tell when the counters cannot: nobody is let in unchecked', async () => {
    const broken = { ...memoryStore().counters, add: () => Promise.reject(new Error('down')) } as unknown as CounterStore
    await expect(budget(broken).budget.spend('203.0.113.1')).rejects.toMatchObject({ code: 'store-unavailable', retryAfter: 1 })
  })
})
