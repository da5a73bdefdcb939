/** Record to access token: the claims of RFC 7519 and RFC 9068, and those that say how the subject signed in. */
import type { Elevation, Instant, SessionRecord } from '../../store/store.ts'
import { invalidField } from '../errors.ts'
import { writeObject } from './json.ts'
import type { JwtKey } from './keys.ts'

/** Longer than any token of ours; what is longer is refused by its length alone, before anything is decoded. */
export const longestJwt = 8192

/** The claims of an access token, in the order in which they are written. Times are whole seconds. */
export interface JwtClaims {
  readonly iss: string
  readonly sub: string
  readonly aud: string | readonly string[]
  readonly sid: string
  readonly jti: string
  readonly iat: number
  readonly exp: number
  readonly client_id?: string
  readonly auth_time?: number
  readonly amr?: readonly string[]
  readonly acr?: string
  readonly cnf?: { readonly jkt: string }
}

export function seconds(instant: Instant): number {
  return Math.floor(instant / 1000)
}

/** Signs claims under a key that can; throws `invalid-request` when the token would be too long to be accepted. */
export function signClaims(key: JwtKey, claims: JwtClaims): string {
  const input = `${key.header}.${writeObject(claims)}`
  const signature = key.sign?.(input).toString('base64url')
  if (signature === undefined) throw new RangeError('this key cannot sign')
  const token = `${input}.${signature}`
  if (token.length > longestJwt) throw invalidField('amr', `makes an access token longer than ${longestJwt} characters`)
  return token
}

type AssuranceClaims = Pick<JwtClaims, 'auth_time' | 'amr' | 'acr' | 'cnf'>

/** How the subject signed in, and the step-up whose rights the token carries. */
export function assuranceClaims(record: SessionRecord, elevation: Elevation | null): AssuranceClaims {
  const amr = elevation?.amr ?? record.amr
  const acr = elevation?.acr ?? record.acr
  const { jkt } = record.binding
  return {
    ...(record.authTime === null ? {} : { auth_time: seconds(record.authTime) }),
    ...(amr.length === 0 ? {} : { amr }),
    ...(acr === null ? {} : { acr }),
    ...(jkt === null ? {} : { cnf: { jkt } }),
  }
}
