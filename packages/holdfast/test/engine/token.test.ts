import { describe, expect, it } from 'vitest'
import { RandomPool } from '../../src/engine/crypto.ts'
import { createKeyring } from '../../src/engine/keyring.ts'
import { createTokens, type TokenKind, tokenKinds } from '../../src/engine/token.ts'
import { seededRandom } from '../../src/testing/index.ts'

const first = 'k3Jq9vTz1mXw8RbY5nLd2HsG7pCf4Ua0'
const second = 'Zt6Wm1Qx9Vb4Nc8Rl3Kj7Hg2Fd5Sa0Pe'

function tokensWith(...secrets: [string, ...string[]]) {
  return createTokens(createKeyring(secrets), new RandomPool(seededRandom(1)))
}

function mint(kind: TokenKind = 'session', tokens = tokensWith(first)) {
  const id = tokens.newId(kind === 'anonymous' ? null : 'alice')
  return { id, ...tokens.mint({ kind, id, generation: 7 }) }
}

describe('the token format', () => {
  it('is a prefix and 104 base64url characters that hold the id in clear', () => {
    const { token, id } = mint()
    expect(token).toMatch(/^hf1_[A-Za-z0-9_-]{104}$/)
    expect(token.slice(8, 32)).toBe(id)
    expect(mint('anonymous').token).toMatch(/^hfa1_[A-Za-z0-9_-]{104}$/)
    expect(mint('refresh').token).toMatch(/^hfr1_[A-Za-z0-9_-]{104}$/)
  })

  it('gives back what was minted', () => {
    const tokens = tokensWith(first)
    const id = tokens.newId('alice')
    const { token, digest } = tokens.mint({ kind: 'session', id, generation: 0xfffffffe })
    const keyId = token.slice(4, 8)
    expect(tokens.parse(token)).toEqual({ kind: 'session', id, generation: 0xfffffffe, expiresAt: null, digest, keyId })
    const access = tokens.mintAccess({ id, stepUp: 3, expiresAt: 1_800_000_000_999, salt: 'salt' })
    expect(tokens.parse(access)).toMatchObject({ kind: 'session', id, generation: 3, expiresAt: 1_800_000_000_000, keyId })
  })

  it('has one length, whatever the subject and the generation', () => {
    const tokens = tokensWith(first)
    const lengths = [0, 1, 0xffffffff].map(
      (generation) => tokens.mint({ kind: 'session', id: tokens.newId('x'.repeat(256)), generation }).token.length,
    )
    expect(new Set(lengths)).toEqual(new Set([108]))
  })

  it('gives all ids of a subject one slot tag that does not show the subject, and visitors random ones', () => {
    const tokens = tokensWith(first)
    const tags = (subject: string | null) => new Set(Array.from({ length: 50 }, () => tokens.newId(subject).slice(0, 4)))
    expect(tags('alice').size).toBe(1)
    expect(tags('alice')).not.toEqual(tags('bob'))
    expect(tags(null).size).toBeGreaterThan(45)
    const elsewhere = tokensWith(second)
    expect(elsewhere.newId('alice').slice(0, 4)).not.toBe([...tags('alice')][0])
  })
})

describe('parsing refuses, without throwing,', () => {
  const { token } = mint()
  const tokens = tokensWith(first)

  it('every proper prefix, and the token with anything added', () => {
    for (let length = 0; length < token.length; length += 1) expect(tokens.parse(token.slice(0, length))).toBeUndefined()
    for (const extra of ['A', '=', ' ', '\n', '\0', 'AAAA', '.']) {
      expect(tokens.parse(token + extra)).toBeUndefined()
      expect(tokens.parse(extra + token)).toBeUndefined()
    }
  })

  it('every change of one character', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/= \n!é'
    for (let at = 0; at < token.length; at += 1) {
      for (const character of alphabet) {
        if (character === token[at]) continue
        expect(tokens.parse(token.slice(0, at) + character + token.slice(at + 1))).toBeUndefined()
      }
    }
  })

  it('other spellings of the same bytes', () => {
    const withDash =
      Array.from({ length: 200 }, () => mint('session', tokens).token).find((text) => /[-_]/.test(text.slice(4))) ?? ''
    const plain = withDash.slice(0, 4) + withDash.slice(4).replaceAll('-', '+').replaceAll('_', '/')
    expect(tokens.parse(withDash)).toBeDefined()
    expect(tokens.parse(plain)).toBeUndefined()
    // One character dropped and whitespace added keeps the length and, to a tolerant decoder, most of the bytes.
    expect(tokens.parse(`${token.slice(0, 40)} ${token.slice(41)}`)).toBeUndefined()
  })

  it('one kind as another, although the body is authentic', () => {
    for (const kind of Object.keys(tokenKinds) as TokenKind[]) {
      const body = mint(kind).token.slice(tokenKinds[kind].length)
      for (const other of Object.keys(tokenKinds) as TokenKind[]) {
        expect(tokens.parse(tokenKinds[other] + body) === undefined).toBe(other !== kind)
      }
    }
  })

  it('what another secret signed', () => {
    expect(tokensWith(second).parse(token)).toBeUndefined()
  })
})

describe('key rotation', () => {
  it('signs with the newest, accepts every listed one and refuses a removed one', () => {
    const before = mint('session', tokensWith(first)).token
    const rotated = tokensWith(second, first)
    const after = mint('session', rotated).token
    expect(rotated.parse(before)).toBeDefined()
    expect(rotated.parse(after)).toBeDefined()
    expect(tokensWith(first).parse(after)).toBeUndefined()
    expect(tokensWith(second).parse(after)).toBeDefined()
    expect(tokensWith(second).parse(before)).toBeUndefined()
  })

  it('refuses two equal secrets', () => {
    expect(() => createKeyring([first, first])).toThrow(/same key id/)
  })
})

describe('randomness of tokens', () => {
  it('shows no repeated secret and no biased bit in 20 000 tokens of the system source', async () => {
    const { systemRandom } = await import('../../src/engine/crypto.ts')
    const tokens = createTokens(createKeyring([first]), new RandomPool(systemRandom))
    const count = 20_000
    const ones = new Uint32Array(256)
    const seen = new Set<string>()
    for (let at = 0; at < count; at += 1) {
      const { token } = tokens.mint({ kind: 'session', id: tokens.newId(null), generation: 0 })
      const secret = Buffer.from(token.slice(4), 'base64url').subarray(30, 62)
      seen.add(secret.toString('latin1'))
      for (let bit = 0; bit < 256; bit += 1) if (((secret[bit >> 3] ?? 0) >> (bit & 7)) & 1) ones[bit] = (ones[bit] ?? 0) + 1
    }
    expect(seen.size).toBe(count)
    // Six standard deviations of a fair coin: a false alarm about once in two million runs over 256 bits.
    const tolerance = 6 * Math.sqrt(count / 4)
    for (const sum of ones) expect(Math.abs(sum - count / 2)).toBeLessThan(tolerance)
  })
})
