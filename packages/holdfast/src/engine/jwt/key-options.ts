/** Reading of JWT keys from options: PEM, JWK, KeyObject or a shared secret, each checked to fit its one algorithm. */
import { importKey, type JsonWebKey, KeyObject, type SigningAlgorithm, secretKey } from '../crypto.ts'
import { type Report, unknownNames } from '../option-readers.ts'
import { secretProblem } from '../secret.ts'
import { type JwtKey, jwtKey } from './keys.ts'

type KeyMaterial = string | JsonWebKey | KeyObject

/** One key; exactly one of the three halves is given. */
export interface JwtKeyOptions {
  readonly algorithm: SigningAlgorithm
  /** Signs and verifies: PKCS #8 PEM, JWK or KeyObject. */
  readonly privateKey?: KeyMaterial
  /** Verifies only, such as a key that another node signs with: SPKI PEM, JWK or KeyObject. */
  readonly publicKey?: KeyMaterial
  /** For HS256: text as `secret` is, or at least 32 random bytes. */
  readonly secret?: string | Uint8Array
  /** Name of the key in tokens: 1 to 128 of `A-Z a-z 0-9 . _ ~ -`. Default: the thumbprint of RFC 7638. */
  readonly kid?: string
}

const optionNames = ['algorithm', 'privateKey', 'publicKey', 'secret', 'kid'] as const
const kidSpelling = /^[A-Za-z0-9._~-]{1,128}$/
const shortestSecret = 32

/** Algorithms, and what a key of each must be. */
const fits: Readonly<Record<SigningAlgorithm, (key: KeyObject) => boolean>> = {
  EdDSA: (key) => key.asymmetricKeyType === 'ed25519',
  ES256: (key) => key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1',
  HS256: (key) => key.type === 'secret',
}
export const signingAlgorithms: readonly SigningAlgorithm[] = ['EdDSA', 'ES256', 'HS256']

/** Text of a public key taken for a secret lets whoever has the public key sign (CVE-2026-34950, GHSA-g3jj-5cmm-3hxx). */
const looksLikeKey = /-----BEGIN|"kty"/

function hmacKey(given: unknown): KeyObject | string {
  if (given instanceof Uint8Array) {
    if (given.length < shortestSecret) return `must have at least ${shortestSecret} bytes; it has ${given.length}`
    return secretKey(given)
  }
  const problem = secretProblem(given)
  if (problem !== undefined) return problem
  const text = String(given)
  return looksLikeKey.test(text) ? 'is the text of a key, not a secret' : secretKey(Buffer.from(text))
}

/** What a JWK says about its own use must not contradict how it is used here (RFC 7517 4.2 to 4.4). */
function jwkProblem(jwk: Readonly<Record<string, unknown>>, algorithm: SigningAlgorithm): string | undefined {
  if (jwk.alg !== undefined && jwk.alg !== algorithm) return `is a JWK whose alg is not ${algorithm}`
  if (jwk.use !== undefined && jwk.use !== 'sig') return 'is a JWK whose use is not sig'
  return undefined
}

function asymmetricKey(half: 'private' | 'public', given: unknown, algorithm: SigningAlgorithm): KeyObject | string {
  const wrong = `must be a ${half} key for ${algorithm}: PEM, JWK or KeyObject`
  if (given instanceof KeyObject) return given.type === half ? given : wrong
  if (typeof given !== 'string' && (typeof given !== 'object' || given === null)) return wrong
  if (typeof given === 'object') {
    const problem = jwkProblem(given as Readonly<Record<string, unknown>>, algorithm)
    if (problem !== undefined) return problem
  }
  try {
    return importKey(half, given as string | JsonWebKey)
  } catch {
    // Never the fault itself: OpenSSL's may quote what it could not read.
    return wrong
  }
}

function readMaterial(given: JwtKeyOptions, field: string, report: Report): KeyObject | undefined {
  const halves = (['privateKey', 'publicKey', 'secret'] as const).filter((name) => given[name] !== undefined)
  const [half] = halves
  const wanted = given.algorithm === 'HS256' ? 'secret' : 'privateKey or publicKey'
  if (half === undefined || halves.length > 1 || (half === 'secret') !== (given.algorithm === 'HS256')) {
    report({ field, message: `must have exactly one key for ${given.algorithm}: ${wanted}` })
    return undefined
  }
  const key =
    half === 'secret'
      ? hmacKey(given.secret)
      : asymmetricKey(half === 'privateKey' ? 'private' : 'public', given[half], given.algorithm)
  if (typeof key === 'string') report({ field: `${field}.${half}`, message: key })
  else if (!fits[given.algorithm](key)) report({ field: `${field}.${half}`, message: `is not a key for ${given.algorithm}` })
  else return key
  return undefined
}

function readKey(given: unknown, field: string, report: Report): JwtKey | undefined {
  if (typeof given !== 'object' || given === null) {
    report({ field, message: 'must be an object with algorithm and key' })
    return undefined
  }
  const options = given as JwtKeyOptions
  unknownNames(options, optionNames, `${field}.`).forEach(report)
  if (!signingAlgorithms.includes(options.algorithm)) {
    report({ field: `${field}.algorithm`, message: `must be one of ${signingAlgorithms.join(', ')}` })
    return undefined
  }
  const { kid } = options
  if (kid !== undefined && !(typeof kid === 'string' && kidSpelling.test(kid))) {
    report({ field: `${field}.kid`, message: 'must be 1 to 128 characters of A-Z a-z 0-9 . _ ~ -' })
    return undefined
  }
  const key = readMaterial(options, field, report)
  return key === undefined ? undefined : jwtKey(options.algorithm, key, kid)
}

const mostKeys = 10

/** Reads `jwt.keys`, newest first. With problems reported the result must not be used. */
export function readJwtKeys(given: unknown, field: string, report: Report): readonly JwtKey[] {
  if (!Array.isArray(given) || given.length === 0 || given.length > mostKeys) {
    report({ field, message: `must be a list of 1 to ${mostKeys} keys` })
    return []
  }
  const keys = given.flatMap((item: unknown, at) => readKey(item, `${field}[${at}]`, report) ?? [])
  if (keys.length === given.length && keys[0]?.sign === null) report({ field: `${field}[0]`, message: 'must be able to sign' })
  if (new Set(keys.map(({ kid }) => kid)).size !== keys.length) report({ field, message: 'must not list the same kid twice' })
  return keys
}
