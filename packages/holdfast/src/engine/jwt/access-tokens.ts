/**
 * JWT access tokens of sessions (DESIGN 4): made of a record, read back to the session that they name.
 *
 * `jti` is a nonce and a tag over what the token says, keyed by what only the record holds, and the mark of a step-up. A leaked signing key makes
 * tokens that other services accept until they expire, as with any JWT; to us it opens no session.
 */

import { sessionIdPattern } from '../../shared/session-id.ts'
import type { Elevation, Instant, SessionId, SessionRecord } from '../../store/store.ts'
import { stepUpMark } from '../assurance.ts'
import { equalText, type RandomPool } from '../crypto.ts'
import { invalidField } from '../errors.ts'
import type { Keyring, SigningKey } from '../keyring.ts'
import { elevationAt } from '../record.ts'
import { createJwtKeys, type JwkSet } from './keys.ts'
import { isAudience, type JwtSettings } from './options.ts'
import { type JwtProblem, readJwt } from './read.ts'
import { assuranceClaims, type JwtClaims, seconds, signClaims } from './sign.ts'

export interface JwtInput {
  /** When it expires; cut to whole seconds, so never later than asked. */
  readonly expiresAt: Instant
  /** Default: the grant's, else the first of the `audience` option. */
  readonly audience?: string | null
  /** Whether it carries the rights of a step-up that holds at `now`. Default false. */
  readonly elevated?: boolean
  readonly now: Instant
}

/** A token of ours, authentic and in its time; whether its session is live is the record's to say. */
export interface PresentedJwt {
  readonly kind: 'jwt'
  readonly id: SessionId
  readonly subject: string
  readonly expiresAt: Instant
  readonly claims: JwtClaims
}

export interface AccessTokens {
  /** Signs a token for a session that has a grant and a subject. Throws `invalid-request` for an audience that cannot be one. */
  sign(record: SessionRecord, input: JwtInput): string
  /**
   * Never throws on what a client can send. `audience`: `any` for who is asked about a token that is for somebody else;
   * who acts on it keeps to its own.
   */
  read(token: string, now: Instant, audience?: 'own' | 'any'): PresentedJwt | JwtProblem
  /** What the token may do, when it was made for this very record by somebody who knew its salt; constant time. */
  rightsOf(record: SessionRecord, presented: PresentedJwt): 'elevated' | 'plain' | undefined
  readonly jwks: JwkSet
}

/** Whether a text is to be read as a JWT: a header begins with `{"`, and no other token of ours does. */
export function looksLikeJwt(text: string): boolean {
  return text.startsWith('eyJ')
}

const nonceBytes = 9
const nonceLength = 12
const tagLength = 22

interface Tagged extends Pick<JwtClaims, 'sid' | 'iat' | 'exp'> {
  readonly salt: string
  readonly nonce: string
  /** The mark of the step-up whose rights the token carries, spelled; empty for none. */
  readonly stepUp: string
  readonly aud: string
}

/** None of it a dot, so that what is tagged can be read in one way. */
const stepUpSpelling = /^[0-9a-z]*$/

/** What is tagged is what an attacker with the signing key would want to change of a token that leaked. */
function tagOf(key: SigningKey, { salt, nonce, sid, iat, exp, stepUp, aud }: Tagged): string {
  return key.mac('jwt').signText(`${salt}.${nonce}.${sid}.${iat}.${exp}.${stepUp}.${aud}`).slice(0, tagLength)
}

function spellStepUp(elevation: Elevation | null): string {
  return elevation === null ? '' : stepUpMark(elevation).toString(36)
}

export function createAccessTokens(settings: JwtSettings, keyring: Keyring, random: RandomPool): AccessTokens {
  const keys = createJwtKeys(settings.keys)

  return {
    sign(record, { expiresAt, audience, elevated = false, now }) {
      if (record.grant === null || record.subject === null) throw new RangeError('a session without a grant has no access token')
      const aud = audience ?? record.grant.audience ?? settings.audiences[0]
      if (!isAudience(aud)) throw invalidField('audience', 'must be a name of 1 to 256 printable ASCII characters')
      const named = { sid: record.id, iat: seconds(now), exp: seconds(expiresAt) }
      const nonce = random.bytes(nonceBytes).toString('base64url')
      const elevation = elevated ? elevationAt(record, now) : null
      const tagged = { ...named, nonce, salt: record.grant.salt, stepUp: spellStepUp(elevation), aud }
      return signClaims(keys.signing, {
        iss: settings.issuer,
        sub: record.subject,
        aud,
        jti: nonce + tagOf(keyring.signing, tagged) + tagged.stepUp,
        ...named,
        ...(record.grant.clientId === null ? {} : { client_id: record.grant.clientId }),
        ...assuranceClaims(record, elevation),
      })
    },

    read(token, now, audience = 'own') {
      const { claims, problem } = readJwt(token, keys, { ...settings, audience }, now)
      if (problem !== undefined) return problem
      if (!sessionIdPattern.test(claims.sid)) return 'bad-claim'
      return { kind: 'jwt', id: claims.sid, subject: claims.sub, expiresAt: claims.exp * 1000, claims }
    },

    rightsOf({ id, subject, grant, elevation }, { id: presentedId, subject: presentedSubject, claims }) {
      if (grant === null || subject !== presentedSubject || id !== presentedId) return undefined
      const nonce = claims.jti.slice(0, nonceLength)
      const stepUp = claims.jti.slice(nonceLength + tagLength)
      // We name one audience; a list would be read as its names with commas between.
      if (!stepUpSpelling.test(stepUp) || !isAudience(claims.aud)) return undefined
      const tagged = { ...claims, nonce, salt: grant.salt, stepUp, aud: claims.aud }
      if (!keyring.all.some((key) => equalText(claims.jti, nonce + tagOf(key, tagged) + stepUp))) return undefined
      return stepUp !== '' && stepUp === spellStepUp(elevation) ? 'elevated' : 'plain'
    },

    jwks: keys.published,
  }
}
