/** One row per error code: the HTTP status it answers with and the title of its problem document (RFC 9457). */
export const problems = {
  'invalid-request': { status: 400, title: 'The request is not valid' },
  'session-required': { status: 401, title: 'A session is required' },
  'session-expired': { status: 401, title: 'The session has expired' },
  'session-revoked': { status: 401, title: 'The session was revoked' },
  'session-evicted': { status: 401, title: 'The session was ended by a newer sign-in' },
  'binding-mismatch': { status: 401, title: 'The session is bound to another client' },
  'step-up-required': { status: 401, title: 'A fresh proof of identity is required' },
  'api-key-required': { status: 401, title: 'A valid API key is required' },
  'token-revoked': { status: 401, title: 'Token has been revoked' },
  'invalid-credentials': { status: 401, title: 'The credentials are not valid' },
  'csrf-failed': { status: 403, title: 'The request could not be told from a forged one' },
  'anonymous-token-invalid': { status: 403, title: 'The anonymous session token is not valid' },
  'insecure-transport': { status: 403, title: 'Sessions need a secure connection' },
  'session-limit': { status: 403, title: 'The limit of sessions is reached' },
  forbidden: { status: 403, title: 'Not allowed' },
  'not-found': { status: 404, title: 'Not found' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  conflict: { status: 409, title: 'The request conflicts with the current state' },
  'identity-changed': { status: 409, title: 'The identity changed' },
  'payload-too-large': { status: 413, title: 'The request body is too large' },
  'unsupported-media-type': { status: 415, title: 'The content type is not supported' },
  'rate-limited': { status: 429, title: 'Too many requests' },
  'account-locked': { status: 429, title: 'Too many failed sign-ins' },
  'store-unavailable': { status: 503, title: 'The session cannot be checked right now' },
  'crypto-unavailable': { status: 503, title: 'The session cannot be checked right now' },
  'internal-error': { status: 500, title: 'Something went wrong' },
} as const

export type ProblemCode = keyof typeof problems

/** Codes under which "cannot tell" is answered: 503 with `Retry-After`, cookies untouched. */
export type UnknownCode = 'store-unavailable' | 'crypto-unavailable'

/** Why a record was revoked. Stored, listed, and told to whoever still presents the session. */
export const revocationReasons = [
  'logout',
  'admin',
  'evicted',
  'replaced',
  'promoted',
  'credential-change',
  'role-change',
  'subject-disabled',
  'subject-deleted',
  'reuse',
  'binding-mismatch',
  'everyone-out',
] as const
export type RevocationReason = (typeof revocationReasons)[number]

/** Why a presented credential is not accepted, and the code an HTTP caller is told. */
export const deadReasons = {
  missing: 'session-required',
  invalid: 'session-required',
  'not-found': 'session-required',
  superseded: 'session-revoked',
  'token-expired': 'session-expired',
  'idle-timeout': 'session-expired',
  'absolute-timeout': 'session-expired',
  logout: 'session-revoked',
  admin: 'session-revoked',
  evicted: 'session-evicted',
  replaced: 'session-revoked',
  promoted: 'session-revoked',
  'credential-change': 'session-revoked',
  'role-change': 'session-revoked',
  'subject-disabled': 'session-revoked',
  'subject-deleted': 'session-revoked',
  reuse: 'session-revoked',
  'binding-mismatch': 'binding-mismatch',
  'everyone-out': 'session-revoked',
} as const

/**
 * `missing`: nothing was presented. `invalid`: malformed, forged, of another kind, or signed by a key that is
 * no longer listed. `not-found`: authentic, but no record (swept). `superseded`: authentic, but the secret was
 * replaced since. `token-expired`: the access token is over, its session may not be: refresh. The timeouts and revocation reasons say what they say.
 */
export type DeadReason = keyof typeof deadReasons
