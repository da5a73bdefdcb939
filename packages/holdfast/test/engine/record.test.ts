import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { endOf, sightingOf, touchInterval, withSighting } from '../../src/engine/record.ts'
import type { Instant } from '../../src/store/store.ts'
import { record } from './support/records.ts'

const limits = ['idleExpiresAt', 'absoluteExpiresAt'] as const

describe('the end of a record', () => {
  it('is one instant: live until just before a limit, over at it', () => {
    expect(endOf(record(), 999)).toBeUndefined()
    expect(endOf(record(), 1000)).toBe('idle-timeout')
    const busy = record({ idleExpiresAt: 99_999 })
    expect(endOf(busy, 9999)).toBeUndefined()
    expect(endOf(busy, 10_000)).toBe('absolute-timeout')
  })

  it('is told by its revocation first, and by the mark alone when the reason is lost', () => {
    expect(endOf(record({ revokedAt: 5, reason: 'logout' }), 20_000)).toBe('logout')
    expect(endOf(record({ revokedAt: 5 }), 1)).toBe('admin')
    expect(endOf(record({ reason: 'reuse' }), 1)).toBe('reuse')
  })

  it.each(limits)('is past for a stored %s that is no number', (limit) => {
    for (const bad of [Number.NaN, undefined, null, 'never', {}, '', Number.NEGATIVE_INFINITY, 0]) {
      expect(endOf(record({ [limit]: bad as Instant }), 1)).toBeDefined()
    }
  })

  it('is past when the clock gives no number', () => {
    expect(endOf(record(), Number.NaN)).toBe('absolute-timeout')
  })
})

describe('a sighting', () => {
  it('never carries the idle limit past the absolute one, at any instant', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e13, max: 1e13 }), fc.integer({ min: 1, max: 1e10 }), (now, idleTimeout) => {
        const known = record({ idleTimeout })
        const seen = withSighting(known, sightingOf(known, now, null))
        expect(seen.idleExpiresAt).toBeLessThanOrEqual(Math.max(known.absoluteExpiresAt, known.idleExpiresAt))
        expect(seen.absoluteExpiresAt).toBe(known.absoluteExpiresAt)
        expect(seen.seenAt).toBeGreaterThanOrEqual(known.seenAt)
        expect(seen.idleExpiresAt).toBeGreaterThanOrEqual(known.idleExpiresAt)
      }),
    )
  })

  it('keeps the last address when there is no new one', () => {
    expect(sightingOf(record({ lastIp: '192.0.2.1' }), 1, null).ip).toBe('192.0.2.1')
    expect(sightingOf(record({ lastIp: '192.0.2.1' }), 1, '192.0.2.9').ip).toBe('192.0.2.9')
  })

  it('is due after a tenth of the idle limit, at most a minute', () => {
    expect(touchInterval(record({ idleTimeout: 10_009 }))).toBe(1000)
    expect(touchInterval(record({ idleTimeout: 14 * 86_400_000 }))).toBe(60_000)
  })
})
