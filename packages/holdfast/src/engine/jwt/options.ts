/** Options of JWT access tokens, read with the engine's. */
import type { SigningAlgorithm } from '../crypto.ts'
import { type Duration, milliseconds } from '../duration.ts'
import { type Report, unknownNames } from '../option-readers.ts'
import { type JwtKeyOptions, readJwtKeys, signingAlgorithms } from './key-options.ts'
import { derivedKeys, type JwtKey } from './keys.ts'

export interface JwtOptions {
  /** Who we are (`iss`): an http or https URL without query and fragment, up to 256 characters. */
  readonly issuer: string
  /** For whom tokens are made (`aud`), the first unless another is asked; a check accepts any of them. Default: the issuer. */
  readonly audience?: string | readonly string[]
  /** Of the keys that are derived from `secret`. Default `EdDSA`. */
  readonly algorithm?: SigningAlgorithm
  /** Keys of their own in place of derived ones, newest first: the first signs, every one verifies. At most 10. */
  readonly keys?: readonly JwtKeyOptions[]
  /** How far ahead the clock of the node that signed may be (`iat`, `nbf`). Default 5 s; at most 1 min. Never extends `exp`. */
  readonly tolerance?: Duration
}

export interface JwtSettings {
  readonly issuer: string
  readonly audiences: readonly [string, ...string[]]
  readonly tolerance: number
  readonly keys: readonly JwtKey[]
}

const optionNames: readonly (keyof JwtOptions)[] = ['issuer', 'audience', 'algorithm', 'keys', 'tolerance']
const longestName = 256
const longestTolerance = 60_000
const mostAudiences = 16

/** Printable, without spaces at its ends: what a claim may name, and a log line show. */
export function isAudience(value: unknown): value is string {
  return typeof value === 'string' && value.length <= longestName && /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value)
}

function isIssuer(value: unknown): value is string {
  if (!isAudience(value) || /[?#\s]/.test(value)) return false
  return /^https?:\/\/[^/]/.test(value) && URL.canParse(value)
}

function readAudiences(given: unknown, issuer: string, report: Report): readonly [string, ...string[]] {
  if (given === undefined) return [issuer]
  const list: readonly unknown[] = Array.isArray(given) ? given : [given]
  const [first, ...others] = list
  if (list.length > mostAudiences || !list.every(isAudience) || first === undefined) {
    const message = `must be 1 to ${mostAudiences} names of 1 to ${longestName} printable ASCII characters`
    report({ field: 'jwt.audience', message })
    return [issuer]
  }
  return [String(first), ...others.map(String)]
}

function readTolerance(given: unknown, report: Report): number {
  const ms = given === undefined ? 5000 : milliseconds(given)
  if (ms !== undefined && ms <= longestTolerance) return ms
  report({ field: 'jwt.tolerance', message: `must be a duration such as '5s', from 0 to ${longestTolerance} ms` })
  return 0
}

function readAlgorithm({ algorithm, keys }: Partial<JwtOptions>, report: Report): SigningAlgorithm {
  if (algorithm !== undefined && !signingAlgorithms.includes(algorithm)) {
    report({ field: 'jwt.algorithm', message: `must be one of ${signingAlgorithms.join(', ')}` })
  } else if (algorithm !== undefined && keys !== undefined) {
    report({ field: 'jwt.algorithm', message: 'is for derived keys: each of jwt.keys names its own' })
  }
  return algorithm ?? 'EdDSA'
}

/** Null when access tokens are opaque only. With problems reported the result must not be used. */
export function readJwt(given: unknown, secrets: readonly string[], report: Report): JwtSettings | null {
  if (given === undefined) return null
  if (typeof given !== 'object' || given === null) {
    report({ field: 'jwt', message: 'must be an object with at least issuer' })
    return null
  }
  const options = given as Partial<JwtOptions>
  unknownNames(options, optionNames, 'jwt.').forEach(report)
  const { issuer } = options
  if (!isIssuer(issuer)) {
    report({
      field: 'jwt.issuer',
      message: 'must be an http or https URL without query and fragment, such as https://auth.example',
    })
  }
  const algorithm = readAlgorithm(options, report)
  const usable = signingAlgorithms.includes(algorithm) ? algorithm : 'EdDSA'
  return {
    issuer: String(issuer),
    audiences: readAudiences(options.audience, String(issuer), report),
    tolerance: readTolerance(options.tolerance, report),
    keys: options.keys === undefined ? derivedKeys(usable, secrets) : readJwtKeys(options.keys, 'jwt.keys', report),
  }
}
