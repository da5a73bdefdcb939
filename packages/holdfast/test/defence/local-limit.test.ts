import { expect, test } from 'vitest'
import { LocalLimit } from '../../src/defence/local-limit.ts'
import { fakeClock } from '../../src/testing/clock.ts'

function limited(most = 2) {
  const clock = fakeClock()
  return { clock, limit: new LocalLimit({ clock, most, windowMs: 60_000, detail: 'too many came from this network' }) }
}

test('a local limit gives each source its budget per window, and says how long to wait', () => {
  const { clock, limit } = limited()
  expect([limit.refusalOf('203.0.113.1'), limit.refusalOf('203.0.113.1')]).toEqual([undefined, undefined])
  clock.advance(20_000)
  expect(() => limit.spend('203.0.113.1')).toThrow('too many came from this network')
  expect(limit.refusalOf('203.0.113.1')).toMatchObject({ code: 'rate-limited', retryAfter: 40 })
  expect(limit.refusalOf('203.0.113.2')).toBeUndefined()
  clock.advance(40_000)
  expect(limit.refusalOf('203.0.113.1')).toBeUndefined()
})

test('a local limit counts a flood of sources as one when there are more than it remembers', () => {
  const { limit } = limited(3)
  const addressOf = (at: number) => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`
  for (let at = 0; at < 10_000; at += 1) expect(limit.refusalOf(addressOf(at))).toBeUndefined()
  const beyond = Array.from({ length: 100 }, (_, at) => limit.refusalOf(addressOf(20_000 + at)))
  expect(beyond.filter((refusal) => refusal === undefined)).toHaveLength(3)
  expect(limit.refusalOf(addressOf(1))).toBeUndefined()
})

test('a local limit starts anew when the clock goes back', () => {
  const { clock, limit } = limited(1)
  limit.spend('203.0.113.1')
  expect(limit.refusalOf('203.0.113.1')).toMatchObject({ retryAfter: 60 })
  clock.jumpTo(clock.now() - 3_600_000)
  expect(limit.refusalOf('203.0.113.1')).toBeUndefined()
})
