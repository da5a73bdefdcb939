/** Signed tokens of two libraries, each in the form that the library is fastest with. */
import { type KeyObject, randomBytes, webcrypto } from 'node:crypto'
import { peer } from './peer.ts'

interface SignJwt {
  setProtectedHeader(header: object): SignJwt
  setExpirationTime(at: string): SignJwt
  sign(key: unknown): Promise<string>
}

interface Jose {
  readonly jwtVerify: (token: string, key: unknown, options: object) => Promise<JoseVerified>
  readonly SignJWT: new (claims: object) => SignJwt
}

export interface JoseVerified {
  readonly payload: { readonly sub?: string }
}

export interface JoseTokens {
  sign(subject: string): Promise<string>
  verify(token: string): Promise<JoseVerified>
}

/** HS256 with a CryptoKey. */
export async function joseTokens(): Promise<JoseTokens> {
  const { jwtVerify, SignJWT } = await peer<Jose>('jose')
  const key = await webcrypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify'])
  const options = { algorithms: ['HS256'] }
  return {
    sign: (subject) =>
      new SignJWT({ sub: subject, role: 'member' }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('12h').sign(key),
    verify: (token) => jwtVerify(token, key, options),
  }
}

export type JwtAlgorithm = 'EdDSA' | 'ES256'

/** What a verified token must say, beside its times. */
export interface Expected {
  readonly algorithm: JwtAlgorithm
  readonly issuer: string
  readonly audience: string
  readonly type: string
}

/** With a public key object, imported once. */
export async function joseVerifier(key: KeyObject, expected: Expected): Promise<JoseTokens['verify']> {
  const { jwtVerify } = await peer<Jose>('jose')
  const { algorithm, issuer, audience, type } = expected
  const options = { algorithms: [algorithm], issuer, audience, typ: type }
  return (token) => jwtVerify(token, key, options)
}

interface FastJwt {
  readonly createSigner: (options: object) => (claims: object) => string
  readonly createVerifier: (options: object) => (token: string) => FastJwtVerified
}

export interface FastJwtVerified {
  readonly sub?: string
}

export interface FastJwtTokens {
  sign(subject: string): string
  verify(token: string): FastJwtVerified
}

const twelveHours = 12 * 3600 * 1000

/** HS256, with its cache of verified tokens on. */
export async function fastJwtTokens(): Promise<FastJwtTokens> {
  const { createSigner, createVerifier } = await peer<FastJwt>('fast-jwt')
  const key = randomBytes(32)
  const signer = createSigner({ key, expiresIn: twelveHours })
  return {
    sign: (subject) => signer({ sub: subject, role: 'member' }),
    verify: createVerifier({ key, cache: 10_000 }),
  }
}

/** With a public key, and no cache of verified tokens. */
export async function fastJwtVerifier(key: KeyObject, expected: Expected): Promise<FastJwtTokens['verify']> {
  const { createVerifier } = await peer<FastJwt>('fast-jwt')
  const { algorithm, issuer, audience, type } = expected
  return createVerifier({
    key: key.export({ type: 'spki', format: 'pem' }),
    algorithms: [algorithm],
    allowedIss: issuer,
    allowedAud: audience,
    checkTyp: type,
  })
}
