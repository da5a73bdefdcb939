/** Signed tokens of two libraries, each in the form that the library is fastest with. */
import { generateKeyPairSync, type KeyPairKeyObjectResult, randomBytes, webcrypto } from 'node:crypto'
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

function keyPair(algorithm: JwtAlgorithm): KeyPairKeyObjectResult {
  return algorithm === 'EdDSA' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

/** With a public key object, imported once. */
export async function josePublicKeyTokens(alg: JwtAlgorithm): Promise<JoseTokens> {
  const { jwtVerify, SignJWT } = await peer<Jose>('jose')
  const { privateKey, publicKey } = keyPair(alg)
  const options = { algorithms: [alg] }
  return {
    sign: (subject) =>
      new SignJWT({ sub: subject, role: 'member' }).setProtectedHeader({ alg }).setExpirationTime('12h').sign(privateKey),
    verify: (token) => jwtVerify(token, publicKey, options),
  }
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
export async function fastJwtPublicKeyTokens(algorithm: JwtAlgorithm): Promise<FastJwtTokens> {
  const { createSigner, createVerifier } = await peer<FastJwt>('fast-jwt')
  const { privateKey, publicKey } = keyPair(algorithm)
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const signer = createSigner({ key, algorithm, expiresIn: twelveHours })
  return {
    sign: (subject) => signer({ sub: subject, role: 'member' }),
    verify: createVerifier({ key: publicKey.export({ type: 'spki', format: 'pem' }), algorithms: [algorithm] }),
  }
}
