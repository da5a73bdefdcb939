import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { JwtOptions } from '../../../src/engine/jwt/options.ts'
import { outcomeOf, start } from '../support/start.ts'
import { ed25519, hmacSecret, issuer, keyOptions, p256 } from './forge.ts'
import { accessTokens, granted, sign } from './granted.ts'

const pem = ed25519.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
const publicPem = ed25519.publicKey.export({ format: 'pem', type: 'spki' }).toString()
const jwk = ed25519.privateKey.export({ format: 'jwk' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
const eleven = Array.from({ length: 11 }, (_, at) => ({ algorithm: 'HS256', secret: hmacSecret, kid: `${at}` }))

const wrong: readonly (readonly [what: string, options: unknown, field: string, message: RegExp])[] = [
  ['text', 'https://auth.example', 'jwt', /an object with at least issuer/],
  ['null', null, 'jwt', /an object/],
  ['nothing in it', {}, 'jwt.issuer', /http or https URL/],
  ['an unknown name', { issuer, issuers: [] }, 'jwt.issuers', /is not an option/],
  ['an issuer with a query', { issuer: `${issuer}?a=b` }, 'jwt.issuer', /without query/],
  ['an issuer of another scheme', { issuer: 'javascript:alert(1)' }, 'jwt.issuer', /http or https/],
  ['an issuer of 257 characters', { issuer: issuer.padEnd(257, 'x') }, 'jwt.issuer', /URL/],
  ['no audience in a list', { issuer, audience: [] }, 'jwt.audience', /1 to 16 names/],
  ['17 audiences', { issuer, audience: Array.from({ length: 17 }, (_, at) => `a${at}`) }, 'jwt.audience', /1 to 16 names/],
  ['a blank audience', { issuer, audience: ' ' }, 'jwt.audience', /1 to 16 names/],
  ['the algorithm none', { issuer, algorithm: 'none' }, 'jwt.algorithm', /EdDSA, ES256, HS256/],
  ['an algorithm beside keys', { issuer, algorithm: 'EdDSA', keys: keyOptions }, 'jwt.algorithm', /names its own/],
  ['a tolerance of an hour', { issuer, tolerance: '1h' }, 'jwt.tolerance', /0 to 60000 ms/],
  ['a tolerance that is no duration', { issuer, tolerance: 'soon' }, 'jwt.tolerance', /duration/],
  ['no keys', { issuer, keys: [] }, 'jwt.keys', /1 to 10 keys/],
  ['eleven keys', { issuer, keys: eleven }, 'jwt.keys', /1 to 10 keys/],
  ['keys that are no list', { issuer, keys: keyOptions[0] }, 'jwt.keys', /a list/],
  ['two keys of one id', { issuer, keys: [keyOptions[0], keyOptions[0]] }, 'jwt.keys', /same kid twice/],
  [
    'a first key that cannot sign',
    { issuer, keys: [{ algorithm: 'EdDSA', publicKey: publicPem }] },
    'jwt.keys[0]',
    /able to sign/,
  ],
]

const wrongKeys: readonly (readonly [what: string, key: unknown, field: string, message: RegExp])[] = [
  ['null', null, 'jwt.keys[0]', /algorithm and key/],
  ['an unknown name', { ...keyOptions[0], passphrase: 'x' }, 'jwt.keys[0].passphrase', /is not an option/],
  ['no algorithm', { privateKey: pem }, 'jwt.keys[0].algorithm', /EdDSA, ES256, HS256/],
  ['the algorithm RS256', { algorithm: 'RS256', privateKey: rsa }, 'jwt.keys[0].algorithm', /EdDSA, ES256, HS256/],
  ['an empty kid', { ...keyOptions[0], kid: '' }, 'jwt.keys[0].kid', /1 to 128/],
  ['a kid of 129 characters', { ...keyOptions[0], kid: 'x'.repeat(129) }, 'jwt.keys[0].kid', /1 to 128/],
  ['a kid with a slash', { ...keyOptions[0], kid: '../key' }, 'jwt.keys[0].kid', /1 to 128/],
  ['no half', { algorithm: 'EdDSA' }, 'jwt.keys[0]', /exactly one key for EdDSA: privateKey or publicKey/],
  ['two halves', { algorithm: 'EdDSA', privateKey: pem, publicKey: publicPem }, 'jwt.keys[0]', /exactly one key/],
  ['a secret for EdDSA', { algorithm: 'EdDSA', secret: hmacSecret }, 'jwt.keys[0]', /privateKey or publicKey/],
  ['a private key for HS256', { algorithm: 'HS256', privateKey: pem }, 'jwt.keys[0]', /HS256: secret/],
  ['a P-256 key for EdDSA', { algorithm: 'EdDSA', privateKey: p256.privateKey }, 'jwt.keys[0].privateKey', /not a key for EdDSA/],
  ['an Ed25519 key for ES256', { algorithm: 'ES256', privateKey: pem }, 'jwt.keys[0].privateKey', /not a key for ES256/],
  ['a P-384 key for ES256', { algorithm: 'ES256', privateKey: p384 }, 'jwt.keys[0].privateKey', /not a key for ES256/],
  ['an RSA key for ES256', { algorithm: 'ES256', privateKey: rsa }, 'jwt.keys[0].privateKey', /not a key for ES256/],
  [
    'a public key to sign with',
    { algorithm: 'EdDSA', privateKey: ed25519.publicKey },
    'jwt.keys[0].privateKey',
    /a private key for EdDSA/,
  ],
  ['a private key to publish', { algorithm: 'EdDSA', publicKey: ed25519.privateKey }, 'jwt.keys[0].publicKey', /a public key/],
  ['a text that is no PEM', { algorithm: 'EdDSA', privateKey: 'hush' }, 'jwt.keys[0].privateKey', /PEM, JWK or KeyObject/],
  ['a PEM cut short', { algorithm: 'EdDSA', privateKey: pem.slice(0, 60) }, 'jwt.keys[0].privateKey', /PEM, JWK or KeyObject/],
  ['a number', { algorithm: 'EdDSA', privateKey: 1 }, 'jwt.keys[0].privateKey', /PEM, JWK or KeyObject/],
  ['a JWK of another alg', { algorithm: 'EdDSA', privateKey: { ...jwk, alg: 'ES256' } }, 'jwt.keys[0].privateKey', /alg is not/],
  [
    'a JWK for encryption',
    { algorithm: 'EdDSA', privateKey: { ...jwk, use: 'enc' } },
    'jwt.keys[0].privateKey',
    /use is not sig/,
  ],
  [
    'a secret of 31 bytes',
    { algorithm: 'HS256', secret: new Uint8Array(31) },
    'jwt.keys[0].secret',
    /at least 32 bytes; it has 31/,
  ],
  ['a short secret', { algorithm: 'HS256', secret: 'short' }, 'jwt.keys[0].secret', /32 characters/],
  ['a placeholder', { algorithm: 'HS256', secret: 'changeme'.repeat(5) }, 'jwt.keys[0].secret', /./],
  ['a public key as the secret', { algorithm: 'HS256', secret: publicPem }, 'jwt.keys[0].secret', /the text of a key/],
  ['a JWK as the secret', { algorithm: 'HS256', secret: JSON.stringify(jwk) }, 'jwt.keys[0].secret', /the text of a key/],
]

/** What the options are refused with. */
function refusal(options: unknown): unknown {
  try {
    start({ jwt: options as JwtOptions })
  } catch (fault) {
    return fault
  }
  return undefined
}

describe('the jwt option', () => {
  it.each(wrong)('refuses %s', (_, options, field, message) => {
    expect(refusal(options)).toMatchObject({
      problems: expect.arrayContaining([{ field, message: expect.stringMatching(message) }]),
    })
  })

  it.each(wrongKeys)('refuses a key that is or has %s', (_, key, field, message) => {
    const fault = refusal({ issuer, keys: [key] })
    expect(fault).toMatchObject({ problems: [{ field, message: expect.stringMatching(message) }] })
    expect(String(fault)).not.toContain('hush')
  })

  it('lists every problem at once', () => {
    const fault = refusal({ issuer: '', tolerance: '1h', keys: [{ algorithm: 'EdDSA' }, { algorithm: 'none' }] })
    expect((fault as { problems: { field: string }[] }).problems.map(({ field }) => field)).toEqual([
      'jwt.issuer',
      'jwt.tolerance',
      'jwt.keys[0]',
      'jwt.keys[1].algorithm',
    ])
  })

  it.each([
    ['PEM', { algorithm: 'EdDSA', privateKey: pem }],
    ['a JWK', { algorithm: 'EdDSA', privateKey: { ...jwk, alg: 'EdDSA', use: 'sig' } }],
    ['a KeyObject', { algorithm: 'ES256', privateKey: p256.privateKey, kid: 'mine' }],
    ['32 bytes', { algorithm: 'HS256', secret: new Uint8Array(32).fill(7) }],
  ] as const)('takes a key as %s, and publishes what is public of it', (_, key) => {
    const { engine } = start({ jwt: { issuer, keys: [key] } })
    for (const published of engine.jwks().keys) {
      expect(published).toMatchObject({ alg: key.algorithm, use: 'sig', kid: expect.stringMatching(/^[\w-]+$/) })
      expect(Object.keys(published)).toEqual(expect.not.arrayContaining(['d', 'k']))
    }
    expect(engine.jwks().keys).toHaveLength(key.algorithm === 'HS256' ? 0 : 1)
  })

  it('verifies with a public key what another node signs, and publishes both', async () => {
    const own = { algorithm: 'ES256', privateKey: p256.privateKey } as const
    const node = start({ jwt: { issuer, keys: [own, { algorithm: 'EdDSA', publicKey: publicPem, kid: 'ed' }] } })
    const theirs = accessTokens({ issuer, keys: [{ algorithm: 'EdDSA', privateKey: pem, kid: 'ed' }] })
    const token = await sign(node, await granted(node), { tokens: theirs })
    expect(outcomeOf(await node.engine.verify(token))).toBe('live')
    expect(node.engine.jwks().keys.map(({ alg }) => alg)).toEqual(['ES256', 'EdDSA'])
  })
})
