import { describe, expect, test } from 'vitest'
import { createRateLimit, sourceOf } from '../../src/defence/limits.ts'
import type { CounterStore } from '../../src/store/counters.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { fakeClock } from '../../src/testing/clock.ts'

function limited(counters: CounterStore = memoryStore().counters) {
  const clock = fakeClock()
  const limit = createRateLimit({ name: 'test', most: 10, windowMs: 60_000, counters, clock, detail: 'too many' })
  return { clock, counters, limit }
}

describe('a rate limit', () => {
  test('gives each source its budget, to 64 callers at once too', async () => {
    const { limit, clock } = limited()
    const spent = await Promise.allSettled(Array.from({ length: 64 }, () => limit.spend('203.0.113.1')))
    expect(spent.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
    clock.advance(20_000)
    await expect(limit.spend('203.0.113.1')).rejects.toMatchObject({
      code: 'rate-limited',
      detail: 'too many',
      retryAfter: 40,
    })
    await expect(limit.spend('203.0.113.2')).resolves.toBeUndefined()
    clock.advance(39_999)
    await expect(limit.spend('203.0.113.1')).rejects.toMatchObject({ retryAfter: 1 })
    clock.advance(1)
    await expect(limit.spend('203.0.113.1')).resolves.toBeUndefined()
  })

  test('does not count what it refuses: hammering does not make the wait longer', async () => {
    const { limit, clock } = limited()
    for (let count = 0; count < 10; count += 1) await limit.spend('203.0.113.1')
    for (let count = 0; count < 100; count += 1) {
      await expect(limit.spend('203.0.113.1')).rejects.toMatchObject({ retryAfter: 60 })
    }
    clock.advance(60_000)
    await expect(limit.spend('203.0.113.1')).resolves.toBeUndefined()
  })

  test('has a budget per key and per name', async () => {
    const { limit, clock, counters } = limited()
    const other = createRateLimit({ name: 'other', most: 1, windowMs: 60_000, counters, clock, detail: 'too many' })
    await other.spendFor('device')
    await expect(other.spendFor('device')).rejects.toMatchObject({ code: 'rate-limited' })
    await expect(other.spendFor('another')).resolves.toBeUndefined()
    await expect(limit.spendFor('device')).resolves.toBeUndefined()
  })

  test('leaves nothing behind once its window is over', async () => {
    const { limit, clock, counters } = limited()
    for (let host = 0; host < 50; host += 1) await limit.spend(`203.0.113.${host}`)
    expect(await counters.list('test:', clock.now(), 100)).toHaveLength(50)
    clock.advance(60_000)
    expect(await counters.sweep(clock.now(), 100)).toBe(50)
  })

  test('cannot tell when the counters cannot: nobody is let in uncounted', async () => {
    const broken = { ...memoryStore().counters, add: () => Promise.reject(new Error('down')) } as unknown as CounterStore
    await expect(limited(broken).limit.spend('203.0.113.1')).rejects.toMatchObject({ code: 'store-unavailable', retryAfter: 1 })
  })
})

describe('the source of an address', () => {
  test('is the IPv4 address, the IPv6 /64, and one for all that is unknown', () => {
    expect(sourceOf('203.0.113.1')).toBe('203.0.113.1')
    expect(sourceOf('2001:db8::1')).toBe(sourceOf('2001:DB8:0:0:ffff::2'))
    expect(sourceOf('2001:db8::1')).not.toBe(sourceOf('2001:db8:0:1::1'))
    expect(sourceOf(undefined)).toBe('unknown')
    expect(sourceOf('')).toBe('unknown')
  })

  test.each([
    ['::ffff:203.0.113.7'],
    ['::FFFF:203.0.113.7'],
    ['0:0:0:0:0:ffff:cb00:7107'],
    ['::ffff:cb00:7107'],
    ['64:ff9b::203.0.113.7'],
    ['64:ff9b::cb00:7107'],
  ])('is that of the IPv4 address in %s', (spelling) => {
    expect(sourceOf(spelling)).toBe('203.0.113.7')
  })

  test('tells clients behind one translator apart', () => {
    expect(sourceOf('64:ff9b::198.51.100.1')).not.toBe(sourceOf('64:ff9b::198.51.100.2'))
    expect(sourceOf('::ffff:198.51.100.1')).not.toBe(sourceOf('::ffff:198.51.100.2'))
  })

  test('is one for every address of a rotated /64, zone or not', () => {
    const rotated = Array.from({ length: 500 }, (_, at) => sourceOf(`2001:db8:1:2::${at.toString(16)}`))
    expect(new Set([...rotated, sourceOf('2001:db8:1:2::9%eth0')]).size).toBe(1)
  })

  test('is bounded for text that is no address', () => {
    expect(sourceOf('x'.repeat(10_000)).length).toBeLessThanOrEqual(64)
  })
})
