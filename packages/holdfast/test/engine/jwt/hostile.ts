/**
 * Hostile tokens, each with the reason for which it is refused (RFC 8725; ASVS V9; the advisories behind the lines). All
 * but one detail of each is right: where a signature does not have to be wrong, it is a good one.
 */
import { generateKeyPairSync, sign } from 'node:crypto'
import { longestJwt } from '../../../src/engine/jwt/sign.ts'
import {
  audience,
  compact,
  ed25519,
  forge,
  goodClaims,
  issuer,
  json,
  now,
  p256,
  segment,
  withEd25519,
  withHmac,
  withP256,
} from './forge.ts'

export const good: string = forge()
const [goodHeader = '', goodPayload = '', goodSignature = ''] = good.split('.')
const stranger = generateKeyPairSync('ed25519')
const strangersJwk = stranger.publicKey.export({ format: 'jwk' })
const publicPem = ed25519.publicKey.export({ format: 'pem', type: 'spki' }).toString()
const publicJwk = JSON.stringify(p256.publicKey.export({ format: 'jwk' }))
const none = () => new Uint8Array(0)
const header = JSON.stringify({ alg: 'EdDSA', typ: 'at+jwt', kid: 'ed' })
const payload = JSON.stringify(goodClaims)

/** Orders of the groups: the numbers of a signature are below them. */
const ed25519Order = 2n ** 252n + 27742317777372353535851937790883648493n
export const p256Order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** A good signature whose second half (little-endian) has the order added: the same number, were it not compared with it. */
function beyondOrder(input: string): Uint8Array {
  const signature = Buffer.from(withEd25519()(input))
  const half = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + ed25519Order
  signature.set(Buffer.from(half.toString(16).padStart(64, '0'), 'hex').reverse(), 32)
  return signature
}

/** The same bytes, spelled with other unused bits in the last character. */
function respelled(text: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet.indexOf(text.slice(-1))
  return text.slice(0, -1) + alphabet[last + 1]
}

/** Claims whose text JSON.stringify would not write. */
const withText = (name: string, text: string) =>
  compact(goodHeader, segment(payload.replace(new RegExp(`"${name}":[^,}]+`), `"${name}":${text}`)), withEd25519())

export const hostile: readonly (readonly [what: string, token: string, problem: string])[] = [
  // Shape.
  ['nothing', '', 'not-compact'],
  ['one segment', goodHeader, 'not-compact'],
  ['two segments', `${goodHeader}.${goodPayload}`, 'not-compact'],
  ['four segments', `${good}.${goodSignature}`, 'not-compact'],
  ['an encrypted token of five segments', `${goodHeader}.a.b.c.d`, 'not-compact'],
  ['more than any token of ours', forge({ claims: { jti: 'x'.repeat(longestJwt) } }), 'too-long'],
  ['a megabyte of dots', '.'.repeat(1_000_000), 'too-long'],
  ['only dots', '..', 'not-json'],
  ['a leading space (CVE-2026-34950)', ` ${good}`, 'not-canonical'],
  ['a trailing line end', `${good}\n`, 'not-canonical'],
  ['a padded signature', `${good}==`, 'not-canonical'],
  [
    'a signature whose last character has spare bits set',
    `${goodHeader}.${goodPayload}.${respelled(goodSignature)}`,
    'not-canonical',
  ],
  ['a padded header', compact(`${segment(`${header} `)}=`, goodPayload, withEd25519()), 'not-canonical'],
  [
    'a payload in the other base64 alphabet',
    compact(goodHeader, `${segment(`{"a":"${'>'.repeat(9)}"}`).replaceAll('-', '+')}+`, withEd25519()),
    'not-canonical',
  ],
  [
    'a character beyond ASCII that ends in the same byte',
    good.replace(goodPayload, `\u0165${goodPayload.slice(1)}`),
    'bad-signature',
  ],
  ['a header that is no JSON', compact(segment('{alg:EdDSA}'), goodPayload, withEd25519()), 'not-json'],
  ['a header that is a list', compact(json(['EdDSA']), goodPayload, withEd25519()), 'not-json'],
  ['a header that is null', compact(json(null), goodPayload, withEd25519()), 'not-json'],
  ['a header that is not UTF-8', compact(segment(Buffer.from([0x7b, 0xff, 0x7d])), goodPayload, withEd25519()), 'not-json'],
  ['a payload that is no JSON, signed', compact(goodHeader, segment('sub=alice'), withEd25519()), 'not-json'],
  ['a payload that is a text, signed', compact(goodHeader, json('alice'), withEd25519()), 'not-json'],
  [
    'a payload that is not UTF-8, signed',
    compact(goodHeader, segment(Buffer.from('{"sub":"\xff"}', 'latin1')), withEd25519()),
    'not-json',
  ],
  ['a payload behind a byte order mark, signed', compact(goodHeader, segment(`\ufeff${payload}`), withEd25519()), 'not-json'],
  [
    'a header of lists in lists, as deep as one can be',
    compact(segment(`{"a":${'['.repeat(3000)}${']'.repeat(3000)}}`), '', none),
    'unsupported-header',
  ],
  // Members twice (RFC 7519 4).
  [
    'a header with two algorithms',
    compact(segment(header.replace('{', '{"alg":"none",')), goodPayload, withEd25519()),
    'duplicate-member',
  ],
  [
    'a header with two key ids, one escaped',
    compact(segment(header.replace('{', '{"\\u006bid":"hs",')), goodPayload, withEd25519()),
    'duplicate-member',
  ],
  [
    'a claim twice, signed',
    compact(goodHeader, segment(payload.replace('{', '{"sub":"mallory",')), withEd25519()),
    'duplicate-member',
  ],
  [
    'a claim twice inside another, signed',
    compact(goodHeader, segment(payload.replace('{', '{"cnf":{"jkt":"a","jkt":"b"},')), withEd25519()),
    'duplicate-member',
  ],
  // The algorithm is the key's (CVE-2015-9235, CVE-2022-23540, CVE-2023-48223 and kin).
  ['alg none, unsigned', forge({ header: { alg: 'none' }, signing: none }), 'wrong-algorithm'],
  ['alg NoNe, unsigned', forge({ header: { alg: 'NoNe' }, signing: none }), 'wrong-algorithm'],
  ['alg none, with a good signature', forge({ header: { alg: 'none' } }), 'wrong-algorithm'],
  ['no algorithm', forge({ header: { alg: undefined } }), 'wrong-algorithm'],
  ['an algorithm that is a list', forge({ header: { alg: ['EdDSA'] } }), 'wrong-algorithm'],
  [
    'HS256 under the public key of Ed25519 as PEM',
    forge({ header: { alg: 'HS256' }, signing: withHmac(publicPem) }),
    'wrong-algorithm',
  ],
  [
    'HS256 under the public key of P-256 as JWK',
    forge({ header: { alg: 'HS256', kid: 'es' }, signing: withHmac(publicJwk) }),
    'wrong-algorithm',
  ],
  ['EdDSA said of the P-256 key', forge({ header: { kid: 'es' } }), 'wrong-algorithm'],
  ['ES384 said of the P-256 key', forge({ header: { alg: 'ES384', kid: 'es' }, signing: withP256() }), 'wrong-algorithm'],
  ['Ed25519, the other name of EdDSA (RFC 9864)', forge({ header: { alg: 'Ed25519' } }), 'wrong-algorithm'],
  // The key is one of ours, found by its id alone (CVE-2026-44351, CVE-2018-0114).
  ['no key id', forge({ header: { kid: undefined } }), 'unknown-key'],
  ['an empty key id', forge({ header: { kid: '' } }), 'unknown-key'],
  ['an unknown key id', forge({ header: { kid: 'ed2' } }), 'unknown-key'],
  ['the key id __proto__', compact(segment(header.replace('"ed"', '"__proto__"')), goodPayload, withEd25519()), 'unknown-key'],
  ['the key id constructor', forge({ header: { kid: 'constructor' } }), 'unknown-key'],
  ['a key id that is a path', forge({ header: { kid: '../../dev/null' }, signing: withHmac('') }), 'unknown-key'],
  ['a key id that is SQL', forge({ header: { kid: "x' UNION SELECT 'AA" }, signing: withHmac('AA') }), 'unknown-key'],
  ['a key id that is a list', forge({ header: { kid: ['ed'] } }), 'unknown-key'],
  [
    'an embedded key, signed by it',
    forge({ header: { jwk: strangersJwk }, signing: withEd25519(stranger.privateKey) }),
    'unsupported-header',
  ],
  [
    'an embedded key and no key id',
    forge({ header: { jwk: strangersJwk, kid: undefined }, signing: withEd25519(stranger.privateKey) }),
    'unsupported-header',
  ],
  ['an address of keys', forge({ header: { jku: 'https://mallory.example/jwks.json' } }), 'unsupported-header'],
  ['an address of certificates', forge({ header: { x5u: 'https://mallory.example/x5u' } }), 'unsupported-header'],
  ['a certificate', forge({ header: { x5c: ['MIIB'] } }), 'unsupported-header'],
  ['a critical extension (CVE-2026-35042)', forge({ header: { crit: ['exp'], exp: now } }), 'unsupported-header'],
  ['an unencoded payload (RFC 7797)', forge({ header: { crit: ['b64'], b64: false } }), 'unsupported-header'],
  ['a compressed payload (CVE-2024-28176)', forge({ header: { zip: 'DEF' } }), 'unsupported-header'],
  ['a nested token', forge({ header: { cty: 'JWT' } }), 'unsupported-header'],
  // The type is an access token's (RFC 8725 3.11, CVE-2023-48309).
  ['no type', forge({ header: { typ: undefined } }), 'wrong-type'],
  ['the type JWT', forge({ header: { typ: 'JWT' } }), 'wrong-type'],
  ['a logout token', forge({ header: { typ: 'logout+jwt' } }), 'wrong-type'],
  ['a proof of possession', forge({ header: { typ: 'dpop+jwt' } }), 'wrong-type'],
  // The signature.
  ['no signature', `${goodHeader}.${goodPayload}.`, 'bad-signature'],
  ['a signature of another key', forge({ signing: withEd25519(stranger.privateKey) }), 'bad-signature'],
  [
    'a signature cut short',
    `${goodHeader}.${goodPayload}.${segment(Buffer.from(goodSignature, 'base64url').subarray(0, 63))}`,
    'bad-signature',
  ],
  [
    'a signature of another payload',
    `${goodHeader}.${json({ ...goodClaims, sub: 'mallory' })}.${goodSignature}`,
    'bad-signature',
  ],
  [
    'ES256 of zeros (CVE-2022-21449)',
    forge({ header: { alg: 'ES256', kid: 'es' }, signing: () => new Uint8Array(64) }),
    'bad-signature',
  ],
  [
    'ES256 of numbers that are the order',
    forge({ header: { alg: 'ES256', kid: 'es' }, signing: () => Buffer.from(p256Order.toString(16).repeat(2), 'hex') }),
    'bad-signature',
  ],
  ['EdDSA whose number is beyond the order', forge({ signing: beyondOrder }), 'bad-signature'],
  [
    'ES256 in DER',
    forge({ header: { alg: 'ES256', kid: 'es' }, signing: (input) => sign('sha256', Buffer.from(input), p256.privateKey) }),
    'bad-signature',
  ],
  ['HS256 under an empty secret', forge({ header: { alg: 'HS256', kid: 'hs' }, signing: withHmac('') }), 'bad-signature'],
  [
    'HS256 cut to 128 bits',
    forge({ header: { alg: 'HS256', kid: 'hs' }, signing: (input) => withHmac()(input).subarray(0, 16) }),
    'bad-signature',
  ],
  [
    'HS256 with a byte more',
    forge({ header: { alg: 'HS256', kid: 'hs' }, signing: (input) => Buffer.concat([withHmac()(input), Buffer.of(0)]) }),
    'bad-signature',
  ],
  // Times (ASVS 9.2.1, GHSA-jcjx-c3j3-44pr).
  ['no expiry', forge({ claims: { exp: undefined } }), 'bad-claim'],
  ['expiry 0', forge({ claims: { exp: 0 } }), 'bad-claim'],
  ['an expiry as text', forge({ claims: { exp: '9999999999' } }), 'bad-claim'],
  ['an expiry that is null', forge({ claims: { exp: null } }), 'bad-claim'],
  ['an expiry that is true', forge({ claims: { exp: true } }), 'bad-claim'],
  ['an expiry in a list', forge({ claims: { exp: [now + 900] } }), 'bad-claim'],
  ['an expiry before 1970', forge({ claims: { exp: -1 } }), 'bad-claim'],
  ['an expiry in milliseconds', forge({ claims: { exp: (now + 900) * 1000 } }), 'bad-claim'],
  ['an expiry of 1e400', withText('exp', '1e400'), 'bad-claim'],
  ['an expiry of -0', withText('exp', '-0'), 'bad-claim'],
  ['an expiry of NaN', withText('exp', 'NaN'), 'not-json'],
  ['an expiry with a fraction', forge({ claims: { exp: now + 0.5 } }), 'bad-claim'],
  ['an expiry before its issue', forge({ claims: { exp: now - 1, iat: now } }), 'bad-claim'],
  ['an expiry at its issue', forge({ claims: { exp: now + 3, iat: now + 3 } }), 'bad-claim'],
  ['an expired one', forge({ claims: { iat: now - 901, exp: now - 1 } }), 'expired'],
  ['one that expires now', forge({ claims: { iat: now - 900, exp: now } }), 'expired'],
  ['no time of issue', forge({ claims: { iat: undefined } }), 'bad-claim'],
  ['a time of issue as text', forge({ claims: { iat: String(now) } }), 'bad-claim'],
  ['one issued in the future', forge({ claims: { iat: now + 6 } }), 'not-yet-valid'],
  ['one that is not to be used yet', forge({ claims: { nbf: now + 6 } }), 'not-yet-valid'],
  ['a start that is no number', forge({ claims: { nbf: 'now' } }), 'bad-claim'],
  // Who made it for whom (RFC 8725 3.8, 3.9).
  ['no issuer', forge({ claims: { iss: undefined } }), 'bad-claim'],
  ['another issuer', forge({ claims: { iss: 'https://auth.example.mallory.example' } }), 'wrong-issuer'],
  ['an issuer with a slash more', forge({ claims: { iss: `${issuer}/` } }), 'wrong-issuer'],
  ['no audience', forge({ claims: { aud: undefined } }), 'bad-claim'],
  ['an empty list of audiences', forge({ claims: { aud: [] } }), 'bad-claim'],
  ['another audience', forge({ claims: { aud: 'https://other.example' } }), 'wrong-audience'],
  ['a prefix of the audience', forge({ claims: { aud: audience.slice(0, -1) } }), 'wrong-audience'],
  ['the audience in capitals', forge({ claims: { aud: audience.toUpperCase() } }), 'wrong-audience'],
  ['an audience that contains ours', forge({ claims: { aud: `${audience},https://other.example` } }), 'wrong-audience'],
  ['an audience that is a mixed list', forge({ claims: { aud: [audience, 1] } }), 'bad-claim'],
  ['no subject', forge({ claims: { sub: undefined } }), 'bad-claim'],
  ['an empty subject', forge({ claims: { sub: '' } }), 'bad-claim'],
  ['a subject that is a number', forge({ claims: { sub: 1 } }), 'bad-claim'],
  ['a subject of 257 characters', forge({ claims: { sub: 'a'.repeat(257) } }), 'bad-claim'],
  ['no session', forge({ claims: { sid: undefined } }), 'bad-claim'],
  ['no token id', forge({ claims: { jti: undefined } }), 'bad-claim'],
  ['a token id that is a number', forge({ claims: { jti: 1 } }), 'bad-claim'],
  ['an issuer that is a number', forge({ claims: { iss: 1 } }), 'bad-claim'],
  ['a client that is a number', forge({ claims: { client_id: 1 } }), 'bad-claim'],
  ['a level of assurance that is a number', forge({ claims: { acr: 2 } }), 'bad-claim'],
  ['a confirmation that is a text', forge({ claims: { cnf: 'thumbprint' } }), 'bad-claim'],
  ['a confirmation by a key of its own', forge({ claims: { cnf: { jwk: strangersJwk } } }), 'bad-claim'],
  ['a confirmation by a way that we do not check', forge({ claims: { cnf: { jkt: 'a', 'x5t#S256': 'b' } } }), 'bad-claim'],
  ['methods that are no list', forge({ claims: { amr: 'pwd' } }), 'bad-claim'],
]
