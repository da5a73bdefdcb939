import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createApiKeyTokens, importedKeyProblem } from '../../src/defence/api-key-token.ts'
import { RandomPool } from '../../src/engine/crypto.ts'
import { createKeyring } from '../../src/engine/keyring.ts'
import { createTokens } from '../../src/engine/token.ts'
import { seededRandom } from '../../src/testing/index.ts'
import { newerSecret, secret } from '../engine/support/start.ts'

const random = new RandomPool(seededRandom(7))
const tokens = createApiKeyTokens([secret], random)

describe('the text of a key', () => {
  it('names its record and gives its digest, and no other text does', () => {
    const { id, digest, token } = tokens.mint()
    expect(token).toMatch(/^hfk1_[\w-]{104}$/)
    expect(id).toMatch(/^[\w-]{24}$/)
    expect(tokens.parse(token)).toEqual({ id, digest })
    for (let at = 5; at < token.length; at += 1) {
      const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
      expect(tokens.parse(changed), `changed at ${at}`).toBe('unknown')
    }
  })

  it('has 256 random bits of secret and never the same ones', () => {
    const digests = new Set(Array.from({ length: 1000 }, () => tokens.mint().digest))
    expect(digests.size).toBe(1000)
  })

  it('is malformed when it does not look like one, whatever it is', () => {
    const { token } = tokens.mint()
    for (const text of [
      '',
      token.slice(1),
      `${token}A`,
      token.slice(0, -1),
      ` ${token}`,
      `${token}=`,
      token.replace('hfk1_', 'hf1_'),
    ]) {
      expect(tokens.parse(text), text).toBe('malformed')
    }
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => tokens.parse(text) === 'malformed'))
  })

  it('is no token of a session, nor one of those a key', () => {
    const sessions = createTokens(createKeyring([secret]), random)
    const minted = sessions.mint({ kind: 'session', id: sessions.newId('alice'), generation: 0 })
    expect(tokens.parse(minted.token.replace('hf1_', 'hfk1_'))).toBe('unknown')
    expect(sessions.parse(tokens.mint().token.replace('hfk1_', 'hf1_'))).toBeUndefined()
    expect(sessions.parse(tokens.mint().token)).toBeUndefined()
  })

  it('is good while the secret that signed it is listed', () => {
    const { token, id, digest } = tokens.mint()
    expect(createApiKeyTokens([newerSecret, secret], random).parse(token)).toEqual({ id, digest })
    expect(createApiKeyTokens([newerSecret], random).parse(token)).toBe('unknown')
  })
})

describe('a key made elsewhere', () => {
  it.each([
    ['short', 'k3Jq9vTz1mXw8RbY5nLd2HsG7pCf4Ua'],
    ['one character', 'a'.repeat(40)],
    ['one word repeated', 'correct-horse!'.repeat(4)],
    ['a repetition cut short', 'k3Jq9vTz1mXwk3Jq9vTz1mXwk3Jq9vTz1m'],
    ['the alphabet', 'abcdefghijklmnopqrstuvwxyz0123456789'],
    ['few different characters', '0110100110010110100101100110100101101'],
    ['with a space', 'k3Jq9vTz1mXw8RbY 5nLd2HsG7pCf4Ua0'],
    ['not ASCII', 'k3Jq9vTz1mXw8RbY5nLd2HsG7pCf4Uaé0'],
    ['too long', 'k3Jq9vTz1mXw8RbY5nLd2HsG7pCf4Ua0'.repeat(20)],
    ['one of ours', tokens.mint().token],
  ])('is refused: %s', (_, text) => {
    expect(importedKeyProblem(text)).toBeTypeOf('string')
    expect(importedKeyProblem(text)).not.toContain(text.slice(0, 8))
  })

  it('is taken when it is random: base64url of 24 bytes, hex of 32', () => {
    for (let number = 0; number < 500; number += 1) {
      expect(importedKeyProblem(random.bytes(24).toString('base64url'))).toBeUndefined()
      expect(importedKeyProblem(random.bytes(32).toString('hex'))).toBeUndefined()
    }
  })
})
