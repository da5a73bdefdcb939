import { createHmac, hkdfSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deriveKey, equalText, Mac, RandomPool, sha256 } from '../../src/engine/crypto.ts'
import { HoldfastError } from '../../src/engine/errors.ts'

const counting = (buffer: Uint8Array) =>
  buffer.forEach((_, at) => {
    buffer[at] = (at % 255) + 1
  })

describe('Mac', () => {
  it('equals HMAC-SHA-256 for any 32-byte key and message up to its bound', () => {
    const bytes = (constraints: fc.IntArrayConstraints) => fc.uint8Array(constraints)
    fc.assert(
      fc.property(bytes({ minLength: 32, maxLength: 32 }), bytes({ maxLength: 1024 }), (key, message) => {
        expect(new Mac(key).sign(message)).toBe(createHmac('sha256', key).update(message).digest('base64url'))
      }),
    )
  })

  it('gives the same answer when it is used again, shorter and longer', () => {
    const mac = new Mac(deriveKey('secret', 'test'))
    const sign = (text: string) => mac.signText(text)
    const once = sign('a')
    sign('a much longer message in between')
    expect(sign('a')).toBe(once)
  })

  it('signs a text as its bytes in UTF-8, and a text that may be too long as its digest', () => {
    const mac = new Mac(deriveKey('secret', 'test'))
    const expected = (text: string) => createHmac('sha256', deriveKey('secret', 'test')).update(text).digest('base64url')
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 500 }), (text) => {
        const isShort = Buffer.byteLength(text) <= 1024
        if (isShort) expect(mac.signText(text)).toBe(expected(text))
        else expect(() => mac.signText(text)).toThrow(RangeError)
        expect(mac.signLong(text)).toBe(expected(text.length <= 341 ? text : sha256(text)))
      }),
      { examples: [['€'.repeat(341)], ['€'.repeat(342)], ['a'.repeat(1024)], ['a'.repeat(1025)]] },
    )
  })

  it('refuses a message over its bound', () => {
    expect(() => new Mac(new Uint8Array(32)).sign(new Uint8Array(1025))).toThrow(RangeError)
  })
})

it('derives keys by HKDF with the purpose as info', () => {
  expect(deriveKey('s', 'session')).toEqual(Buffer.from(hkdfSync('sha256', 's', '', 'holdfast/1/session', 32)))
  expect(deriveKey('s', 'session')).not.toEqual(deriveKey('s', 'anonymous'))
})

describe('RandomPool', () => {
  it('hands out each byte once and wipes it', () => {
    let pool: Uint8Array | undefined
    const random = new RandomPool((buffer) => {
      pool = buffer
      counting(buffer)
    })
    const taken = random.bytes(32)
    expect([...taken]).toEqual(Array.from({ length: 32 }, (_, at) => at + 1))
    expect([...(pool ?? []).slice(0, 32)]).toEqual(Array(32).fill(0))
    expect(random.bytes(1)[0]).toBe(33)
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('no entropy')
      },
    ],
    ['fills nothing', () => undefined],
    ['stops short', (buffer: Uint8Array) => counting(buffer.subarray(0, 4096))],
    [
      'leaves a hole',
      (buffer: Uint8Array) => {
        counting(buffer)
        buffer.fill(0, 512, 528)
      },
    ],
  ])('is crypto-unavailable when the source %s, and never falls back', (_, fill) => {
    const random = new RandomPool(fill)
    for (let attempt = 0; attempt < 3; attempt += 1) {
      let thrown: unknown
      try {
        random.bytes(32)
      } catch (error) {
        thrown = error
      }
      expect(thrown).toBeInstanceOf(HoldfastError)
      expect(thrown).toMatchObject({ code: 'crypto-unavailable', retryAfter: 5 })
    }
  })

  it('works again once the source does', () => {
    let broken = true
    const random = new RandomPool((buffer) => {
      if (!broken) counting(buffer)
    })
    expect(() => random.bytes(8)).toThrow(HoldfastError)
    broken = false
    expect(random.bytes(8)).toHaveLength(8)
  })
})

describe('equalText', () => {
  it('is equality for printable ASCII up to 256 characters', () => {
    const text = fc.string({
      unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
      maxLength: 256,
    })
    fc.assert(fc.property(text, text, (a, b) => equalText(a, b) === (a === b) && equalText(a, a)))
  })

  it('never equates characters that share a low byte', () => {
    expect(equalText('A', String.fromCharCode(0x141))).toBe(false)
    expect(equalText(String.fromCharCode(0x141), String.fromCharCode(0x141))).toBe(false)
  })
})
