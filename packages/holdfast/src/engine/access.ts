/** Making access tokens: each with its own expiry, good as long as it and its session are. */
import type { Instant, SessionRecord, TokenGrant } from '../store/store.ts'
import { stepUpMark } from './assurance.ts'
import type { Core } from './core.ts'
import { jittered } from './jitter.ts'
import { elevationAt } from './record.ts'

export interface Access {
  readonly token: string
  readonly expiresAt: Instant
}

export interface GrantedRecord extends SessionRecord {
  readonly grant: TokenGrant
}

export function isGranted(record: SessionRecord): record is GrantedRecord {
  return record.grant !== null
}

/** Up to a twentieth shorter, so that tokens issued together are not all refreshed together. */
const jitter = 0.05

/** An access token of the session at `now`. With `elevated` it carries the rights of the step-up that holds then. */
export function mintAccess(
  { jwt, random, settings, tokens }: Core,
  record: GrantedRecord,
  now: Instant,
  elevated: boolean,
): Access {
  const { id, grant, absoluteExpiresAt } = record
  const lifetime = jittered((bytes) => random.take(bytes, 0, bytes.length), settings.tokens.accessLifetime, jitter)
  const expiresAt = Math.floor(Math.min(now + lifetime, absoluteExpiresAt) / 1000) * 1000
  // A node without the `jwt` option, such as one that is rolled back, still serves its own guard.
  if (grant.format === 'jwt' && jwt !== null) return { token: jwt.sign(record, { expiresAt, elevated, now }), expiresAt }
  const stepUp = stepUpMark(elevated ? elevationAt(record, now) : null)
  return { token: tokens.mintAccess({ id, stepUp, expiresAt, salt: grant.salt }), expiresAt }
}
