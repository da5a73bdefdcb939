/**
 * A presented JWT, checked in the order of cost and before anything in it is believed: length, shape, the key by its
 * id, the algorithm by the key, the signature, and only then the claims (RFC 8725 3; ASVS 9.1, 9.2). Keys come from
 * the options alone: nothing in a token can name, carry or point to one.
 */
import type { Instant } from '../../store/store.ts'
import { bytesOf, type JsonObject, readObject } from './json.ts'
import { type JwtKey, type JwtKeys, tokenType } from './keys.ts'
import type { JwtSettings } from './options.ts'
import { type JwtClaims, longestJwt } from './sign.ts'

/** Why a token is refused. Stable: events name it. */
export const jwtProblems = {
  'too-long': 'It is longer than any token of ours',
  'not-compact': 'It is not three segments',
  'not-canonical': 'A segment is not base64url, or not the one spelling of its bytes',
  'not-json': 'A segment is not a JSON object in UTF-8',
  'duplicate-member': 'A member is written twice',
  'unsupported-header': 'The header has a member that we never write: crit, jwk, jku, x5u, zip …',
  'wrong-type': 'It is not an access token',
  'unknown-key': 'Its key id is not one of the listed keys',
  'wrong-algorithm': "Its algorithm is not the key's",
  'bad-signature': 'The signature is not of this key',
  'bad-claim': 'A claim is missing, of the wrong type or out of range',
  'wrong-issuer': 'Somebody else issued it',
  'wrong-audience': 'It is for somebody else',
  'not-yet-valid': 'It is from the future, beyond the tolerance',
  expired: 'It has expired',
} as const
export type JwtProblem = keyof typeof jwtProblems

export type JwtReading =
  | { readonly claims: JwtClaims; readonly problem?: undefined }
  | { readonly claims?: undefined; readonly problem: JwtProblem }

const headerNames: readonly string[] = ['alg', 'typ', 'kid']
/** The last second of the year 9999: a greater number is milliseconds, or an attempt at for ever. */
const latest = 253_402_300_799

/** The key of a header that we did not write ourselves, letter by letter. */
function keyOf(segment: string, keys: JwtKeys): JwtKey | JwtProblem {
  const { object: header, problem } = readObject(segment)
  if (problem !== undefined) return problem
  if (Object.keys(header).some((name) => !headerNames.includes(name))) return 'unsupported-header'
  if (header.typ !== tokenType) return 'wrong-type'
  const key = typeof header.kid === 'string' ? keys.find(header.kid) : undefined
  if (key === undefined) return 'unknown-key'
  return header.alg === key.algorithm ? key : 'wrong-algorithm'
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= latest
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '' && value.length <= 256
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText)
const isAudience = (value: unknown): boolean => isText(value) || (isTexts(value) && (value as unknown[]).length > 0)
const isConfirmation = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && isText((value as JsonObject).jkt) && Object.keys(value).length === 1

/** Every claim that is read, whether it must be there, and what it must be. Others are let be (RFC 7519 4). */
const claimRules: readonly (readonly [name: keyof JwtClaims | 'nbf', required: boolean, isSound: (value: unknown) => boolean])[] =
  [
    ['iss', true, isText],
    ['sub', true, isText],
    ['aud', true, isAudience],
    ['sid', true, isText],
    ['jti', true, isText],
    ['iat', true, isTime],
    ['exp', true, isTime],
    ['nbf', false, isTime],
    ['client_id', false, isText],
    ['auth_time', false, isTime],
    ['amr', false, isTexts],
    ['acr', false, isText],
    ['cnf', false, isConfirmation],
  ]

function areSound(claims: JsonObject): boolean {
  for (const [name, required, isSound] of claimRules) {
    const value = claims[name]
    if (value === undefined ? required : !isSound(value)) return false
  }
  return (claims.iat as number) < (claims.exp as number)
}

/** What a token is held against. */
export interface JwtRule extends JwtSettings {
  /** `own`: only tokens for one of our audiences pass. */
  readonly audience: 'own' | 'any'
}

function isForUs(aud: string | readonly string[], { audience, audiences }: JwtRule): boolean {
  return audience === 'any' || audiences.some((own) => (typeof aud === 'string' ? aud === own : aud.includes(own)))
}

function claimsProblem(claims: JsonObject, settings: JwtRule, now: Instant): JwtProblem | undefined {
  if (!areSound(claims)) return 'bad-claim'
  const { iss, aud, iat, nbf, exp } = claims as unknown as JwtClaims & { readonly nbf?: number }
  if (iss !== settings.issuer) return 'wrong-issuer'
  if (!isForUs(aud, settings)) return 'wrong-audience'
  if (now >= exp * 1000) return 'expired'
  return now + settings.tolerance < Math.max(iat, nbf ?? 0) * 1000 ? 'not-yet-valid' : undefined
}

/** Reads a presented text at `now`. Never throws on what a client can send; a fault of the crypto is thrown. */
export function readJwt(token: string, keys: JwtKeys, settings: JwtRule, now: Instant): JwtReading {
  if (token.length > longestJwt) return { problem: 'too-long' }
  const first = token.indexOf('.')
  const second = token.indexOf('.', first + 1)
  if (first === -1 || second === -1 || token.indexOf('.', second + 1) !== -1) return { problem: 'not-compact' }

  const header = token.slice(0, first)
  const key = keys.all.find((own) => own.header === header) ?? keyOf(header, keys)
  if (typeof key === 'string') return { problem: key }
  const signature = bytesOf(token.slice(second + 1))
  if (signature === undefined) return { problem: 'not-canonical' }
  if (!key.verify(token.slice(0, second), signature)) return { problem: 'bad-signature' }

  const { object: claims, problem } = readObject(token.slice(first + 1, second))
  if (problem !== undefined) return { problem }
  const wrong = claimsProblem(claims, settings, now)
  return wrong === undefined ? { claims: claims as unknown as JwtClaims } : { problem: wrong }
}
