import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { signatureOf } from '../../src/engine/crypto.ts'
import { derOf } from '../../src/engine/der.ts'

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const publicKey = createPublicKey(privateKey)
const number = (hex: string): string => hex.padStart(64, '0')
const der = (r: string, s: string) => {
  const encoded = derOf(Buffer.from(number(r) + number(s), 'hex'))
  return encoded && Buffer.from(encoded).toString('hex')
}

describe('a signature in DER', () => {
  it.each([
    ['zeros', '0', '0', '3006020100020100'],
    ['small numbers', '1', '7f', '300602010102017f'],
    ['numbers with the top bit set', '80', 'ff00', '300902020080020300ff00'],
    ['a number with zeros behind its first byte', '10000', '1', '30080203010000020101'],
    ['the longest', 'f'.repeat(64), 'f'.repeat(64), `3046${`022100${'f'.repeat(64)}`.repeat(2)}`],
  ])('of %s is the shortest spelling', (_, r, s, expected) => {
    expect(der(r, s)).toBe(expected)
  })

  it.each([0, 1, 63, 65, 70, 128])('is not made of %i bytes', (length) => {
    expect(derOf(new Uint8Array(length).fill(1))).toBeUndefined()
  })

  it('is accepted exactly where the library accepts the two numbers', () => {
    const { verify: accepts } = signatureOf('ES256', publicKey)
    const theirs = (text: string, signature: Uint8Array) =>
      verify('sha256', Buffer.from(text), { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)
    fc.assert(
      fc.property(fc.string(), fc.nat({ max: 63 }), fc.nat({ max: 255 }), (text, at, value) => {
        const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' })
        expect(accepts(text, signature)).toBe(true)
        const changed = Buffer.from(signature)
        changed[at] = value
        expect(accepts(text, changed)).toBe(theirs(text, changed))
      }),
      { numRuns: 300 },
    )
  })

  it('of numbers out of range is refused, not a fault', () => {
    const { verify: accepts } = signatureOf('ES256', publicKey)
    for (const byte of [0, 1, 0xff]) expect(accepts('text', new Uint8Array(64).fill(byte))).toBe(false)
  })
})
