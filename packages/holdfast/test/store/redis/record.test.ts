import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RecentRevocations } from '../../../src/store/recent-revocations.ts'
import { shards, slotOf, spread } from '../../../src/store/redis-keys.ts'
import { packInstant, packRecord, packRevision, seek, unpackRecord } from '../../../src/store/redis-record.ts'
import { mark, packText, packUserAgent, unpackText, unpackUserAgent } from '../../../src/store/redis-text.ts'
import type { SessionRecord } from '../../../src/store/store.ts'
import { fullSample, minute, sample, sampleId, start } from '../../../src/testing/contract/check.ts'

/** As the script that inserts puts it together. */
function textOf(record: SessionRecord): string {
  const { createdAt, seenAt, idleExpiresAt, absoluteExpiresAt, lastIp, subject, body } = packRecord(record, true)
  const numbers = `${createdAt + seenAt + idleExpiresAt + absoluteExpiresAt + packRevision(record.revision)}00000`
  return `\x1e${record.id.slice(4)}${numbers}${lastIp}\x1f${subject}\x1f${body}`
}

const roundTrip = (record: SessionRecord): SessionRecord => {
  const text = textOf(sample(999)) + textOf(record) + textOf(sample(998))
  return unpackRecord(text, seek(text, record.id), record.id)
}

const dividing = new RegExp(`[${mark.record}${mark.field}${mark.later}${mark.revocation}]`)

/** Texts as a client might send them, with what divides fields and records, and half a surrogate pair. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('\x1c', '\x1d', '\x1e', '\x1f', '\ud800', '"', 'a', ',') }),
)

describe('a stored record', () => {
  it('gives back every field', () => {
    expect(roundTrip(fullSample(1))).toEqual(fullSample(1))
    expect(roundTrip(sample(2, { subject: null }))).toEqual(sample(2, { subject: null }))
  })

  it('gives back any text in any field', () => {
    fc.assert(
      fc.property(text, text, fc.array(text), fc.jsonValue(), (one, two, methods, value) => {
        const record = sample(1, {
          subject: one,
          label: two,
          userAgent: one,
          firstIp: two,
          lastIp: one,
          digest: two,
          acr: one,
          nonce: two,
          amr: methods,
          binding: { fingerprint: one, jkt: two, deviceKey: one },
          attributes: JSON.parse(JSON.stringify({ [two]: value })),
          elevation: { until: start, amr: methods, acr: null },
        })
        const { id } = record
        expect(roundTrip(record)).toEqual({ ...record, id })
      }),
    )
  })

  it('is a fault when cut short anywhere before its last field', () => {
    const whole = textOf(fullSample(1))
    const last = whole.lastIndexOf('\x1f')
    for (let length = 22; length <= last; length += 1) {
      expect(() => unpackRecord(whole.slice(0, length), 0, sampleId(1))).toThrow('is damaged')
    }
  })

  it('takes no number that it could not hold', () => {
    for (const value of [-1, 1.5, Number.NaN, 36 ** 9]) expect(() => packInstant(value)).toThrow(RangeError)
    expect(() => packRecord(sample(1, { seenAt: -1 }), true)).toThrow(RangeError)
  })

  it('is small: with the header that Redis adds, a typical one fits into 224 bytes', () => {
    const typical = sample(1, {
      subject: 'user-123456',
      userAgent:
        'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
      label: 'Chrome on Windows',
      attributes: { role: 'member' },
      binding: { fingerprint: 'f'.repeat(22), jkt: null, deviceKey: null },
    })
    expect(Buffer.byteLength(textOf(typical))).toBeLessThanOrEqual(220)
  })
})

describe('a stored text', () => {
  it('comes back as it was, and holds none of the dividing characters', () => {
    fc.assert(
      fc.property(fc.option(text, { nil: null }), (value) => {
        expect(unpackText(packText(value))).toBe(value)
        expect(unpackUserAgent(packUserAgent(value))).toBe(value)
        expect(packText(value) + packUserAgent(value)).not.toMatch(dividing)
        expect(Buffer.from(packText(value), 'utf8').toString('utf8')).toBe(packText(value))
      }),
    )
  })
})

describe('the places of keys', () => {
  it('follow the slots of Redis Cluster', () => {
    // From the specification and from CLUSTER KEYSLOT of a server.
    expect([slotOf('123456789'), slotOf('foo'), slotOf('somekey')]).toEqual([12_739, 12_182, 11_058])
  })

  it('spread the shards evenly over three primaries', () => {
    const counts = [0, 0, 0]
    for (const shard of shards)
      counts[Math.floor(slotOf(shard) / Math.ceil(16_384 / 3))] =
        (counts[Math.floor(slotOf(shard) / Math.ceil(16_384 / 3))] ?? 0) + 1
    for (const count of counts) expect(Math.abs(count - 4096 / 3)).toBeLessThan(100)
  })

  it('spread subjects evenly over the buckets of the directory', () => {
    const counts = new Map<string, number>()
    for (let number = 0; number < 64_000; number += 1) {
      const bucket = spread(`user-${number}`).slice(0, 1)
      counts.set(bucket, (counts.get(bucket) ?? 0) + 1)
    }
    expect(counts.size).toBe(64)
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(200)
  })
})

describe('recent revocations', () => {
  it('hold for ten minutes and for ten thousand sessions', () => {
    const recent = new RecentRevocations()
    recent.add([sampleId(1)], { at: start, reason: 'admin' })
    recent.add([sampleId(2)], { at: start + 10 * minute - 1, reason: 'logout' })
    expect(recent.overlay(sample(1)).reason).toBe('admin')
    recent.add([sampleId(3)], { at: start + 10 * minute, reason: 'logout' })
    expect(recent.overlay(sample(1)).revokedAt).toBe(null)
    expect(recent.overlay(sample(2)).reason).toBe('logout')
    for (let number = 10; number < 10_020; number += 1)
      recent.add([sampleId(number)], { at: start + 10 * minute, reason: 'logout' })
    expect(recent.all.size).toBe(10_000)
    expect(recent.overlay(sample(2)).revokedAt).toBe(null)
  })
})
