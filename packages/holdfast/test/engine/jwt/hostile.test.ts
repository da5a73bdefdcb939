import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { audience, compact, forge, hmacSecret, json, now, reader, segment, withEd25519, withHmac, withP256 } from './forge.ts'
import { good, hostile } from './hostile.ts'

const { read } = reader()
const [goodHeader = '', goodPayload = ''] = good.split('.')

describe('a hostile token', () => {
  it.each(hostile)('%s is refused', (_, token, problem) => {
    expect(read(token)).toBe(problem)
  })

  it('is refused although its like is accepted', () => {
    const es256 = forge({ header: { alg: 'ES256', kid: 'es' }, signing: withP256() })
    const hs256 = forge({ header: { alg: 'HS256', kid: 'hs' }, signing: withHmac(hmacSecret) })
    const manyAudiences = forge({ claims: { aud: ['https://other.example', audience] } })
    const inTolerance = forge({ claims: { iat: now + 5, nbf: now + 5 } })
    const reordered = compact(json({ kid: 'ed', typ: 'at+jwt', alg: 'EdDSA' }), goodPayload, withEd25519())
    const quoting = forge({ claims: { role: 'says "a:1", \\' } })
    const withOthers = forge({ claims: { role: 'admin', cnf: { jkt: 'thumbprint' }, amr: ['pwd'], acr: '2', auth_time: now } })
    const all = [good, es256, hs256, manyAudiences, inTolerance, reordered, withOthers, quoting]
    expect(all.map((token) => read(token))).toEqual(all.map(() => 'accepted'))
  })

  it('is every change of one character of a good one', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=. \né\u0165'
    for (let at = 0; at < good.length; at += 1) {
      const character = alphabet[at % alphabet.length] ?? ''
      if (character !== good[at]) expect(read(good.slice(0, at) + character + good.slice(at + 1))).not.toBe('accepted')
    }
  })

  it('is every proper beginning of a good one', () => {
    for (let length = 0; length < good.length; length += 1) expect(read(good.slice(0, length))).not.toBe('accepted')
  })
})

describe('whatever is presented', () => {
  it('is never accepted by chance and never throws: any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => read(text) !== 'accepted'),
      { numRuns: 2000 },
    )
  })

  it('is never accepted by chance and never throws: any bytes as segments', () => {
    const bytes = fc.uint8Array({ maxLength: 200 }).map(segment)
    fc.assert(
      fc.property(bytes, bytes, bytes, (a, b, c) => read(`${a}.${b}.${c}`) !== 'accepted'),
      { numRuns: 2000 },
    )
  })

  it('is never accepted unless it is whole: any JSON as header and payload, well signed', () => {
    fc.assert(
      fc.property(fc.json(), fc.json(), (head, body) => {
        expect(read(compact(segment(head), goodPayload, withEd25519()))).not.toBe('accepted')
        expect(read(compact(goodHeader, segment(body), withEd25519()))).not.toBe('accepted')
      }),
      { numRuns: 500 },
    )
  })

  it('is refused for any number that is not a time in seconds, in every claim of time', () => {
    const wrong = fc.oneof(
      fc.double().filter((value) => !Number.isInteger(value)),
      fc.integer({ max: 0 }),
      fc.integer({ min: 253_402_300_800, max: Number.MAX_SAFE_INTEGER }),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.constantFrom('iat', 'exp', 'nbf', 'auth_time'), wrong, (name, value) => {
        expect(read(forge({ claims: { [name]: value } }))).toBe('bad-claim')
      }),
    )
  })
})
