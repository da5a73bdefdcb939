/** Keys of access tokens: the first signs, every listed one verifies, each with one algorithm (RFC 8725 3.1). */
import {
  deriveKey,
  ed25519Key,
  type JsonWebKey,
  type KeyObject,
  p256Key,
  publicJwk,
  type Signature,
  type SigningAlgorithm,
  secretKey,
  sha256,
  signatureOf,
} from '../crypto.ts'
import { writeObject } from './json.ts'

/** A published key: public members only. */
export interface PublicJwk {
  readonly kty: string
  readonly crv: string
  readonly x: string
  readonly y?: string
  readonly kid: string
  readonly alg: SigningAlgorithm
  readonly use: 'sig'
}

/** What `/.well-known/jwks.json` answers (RFC 7517 5). */
export interface JwkSet {
  readonly keys: readonly PublicJwk[]
}

export interface JwtKey extends Signature {
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  /** The first segment of a token of ours under this key, as text: the only header that we write. */
  readonly header: string
  /** Null for a symmetric key. */
  readonly published: PublicJwk | null
}

export interface JwtKeys {
  readonly signing: JwtKey
  readonly all: readonly JwtKey[]
  find(kid: string): JwtKey | undefined
  readonly published: JwkSet
}

/** Type of an access token (RFC 9068 2.1): told apart from every other JWT that the same key may have signed. */
export const tokenType = 'at+jwt'

function headerOf(algorithm: SigningAlgorithm, kid: string): string {
  return writeObject({ alg: algorithm, typ: tokenType, kid })
}

/** The thumbprint of RFC 7638: required members only, in lexical order. */
export function thumbprint({ crv, kty, x, y }: JsonWebKey): string {
  return sha256(JSON.stringify(y === undefined ? { crv, kty, x } : { crv, kty, x, y }))
}

function publishedOf(algorithm: SigningAlgorithm, { kty, crv, x, y }: JsonWebKey, kid: string): PublicJwk {
  const jwk = { kty: kty ?? '', crv: crv ?? '', x: x ?? '', ...(y === undefined ? {} : { y }) }
  return Object.freeze({ ...jwk, kid, alg: algorithm, use: 'sig' })
}

/** A key whose algorithm was checked to fit; its id is its thumbprint unless another is given. */
export function jwtKey(algorithm: SigningAlgorithm, key: KeyObject, given?: string): JwtKey {
  const signature = signatureOf(algorithm, key)
  if (key.type === 'secret') {
    // The signature of a text that is no token's: it tells of the key no more than any token does.
    const kid = given ?? signature.sign?.('holdfast/1/kid').toString('base64url').slice(0, 16) ?? ''
    return { ...signature, kid, algorithm, header: headerOf(algorithm, kid), published: null }
  }
  const jwk = publicJwk(key)
  const kid = given ?? thumbprint(jwk)
  return { ...signature, kid, algorithm, header: headerOf(algorithm, kid), published: publishedOf(algorithm, jwk, kid) }
}

const derivations: Readonly<Record<SigningAlgorithm, (secret: string) => KeyObject>> = {
  EdDSA: (secret) => ed25519Key(deriveKey(secret, 'jwt/EdDSA')),
  ES256: (secret) => p256Key(deriveKey(secret, 'jwt/ES256', 48)),
  HS256: (secret) => secretKey(deriveKey(secret, 'jwt/HS256')),
}

/** One key per signing secret, in their order: every node that has the secrets has the keys, and they rotate together. */
export function derivedKeys(algorithm: SigningAlgorithm, secrets: readonly string[]): JwtKey[] {
  return secrets.map((secret) => jwtKey(algorithm, derivations[algorithm](secret)))
}

/** Newest first; the first can sign and no two have one id. */
export function createJwtKeys(keys: readonly JwtKey[]): JwtKeys {
  const [signing] = keys
  if (signing?.sign == null) throw new RangeError('the first key must be able to sign')
  const byId = new Map(keys.map((key) => [key.kid, key]))
  if (byId.size !== keys.length) throw new RangeError('two keys have the same id')
  const published = keys.flatMap((key) => (key.published === null ? [] : [key.published]))
  return {
    signing,
    all: keys,
    find: (kid) => byId.get(kid),
    published: Object.freeze({ keys: Object.freeze(published) }),
  }
}
