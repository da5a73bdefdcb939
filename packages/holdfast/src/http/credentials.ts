/** Which credential a request presents. Exactly one is used, so that no request acts for two sessions. */
import { looksLikeJwt } from '../engine/jwt/access-tokens.ts'
import { tokenKinds } from '../engine/token.ts'
import { anonymousTokenHeader } from '../shared/names.ts'
import type { Carrier, RequestHeaders } from './carrier.ts'
import { readCookie } from './cookies.ts'

/** Only `cookie` is ambient: a browser adds it to requests that other pages make. */
export type CredentialSource = 'none' | 'bearer' | 'cookie' | 'anonymous-header'

export interface Credential {
  readonly source: CredentialSource
  /** What to verify; null when there is nothing. */
  readonly token: string | null
}

const nothing: Credential = { source: 'none', token: null }
/**
 * Stands for a credential that must not be read, such as a cookie or a Bearer token present twice. It is no token, so the check
 * refuses it as it refuses any forgery, with the same event.
 */
export const unreadable = 'unreadable'

const bearerScheme = /^bearer +/i

const laterBearer = /,[ \t]*bearer[ \t]/i

/**
 * What stands behind the scheme Bearer; `undefined` for another scheme. `unreadable` where a Bearer credential is one of several, as
 * servers join what was sent more than once: which of them counts must not depend on who reads it.
 */
export function bearerIn(authorization: string): string | undefined {
  const scheme = bearerScheme.exec(authorization)?.[0]
  if (scheme === undefined) return laterBearer.test(authorization) ? unreadable : undefined
  return authorization.includes(', ') ? unreadable : authorization.slice(scheme.length)
}

export function isAnonymousToken(text: string): boolean {
  return text.startsWith(tokenKinds.anonymous)
}

function isSessionToken(text: string): boolean {
  return text.startsWith(tokenKinds.session)
}

/**
 * A Bearer credential that is not ours belongs to the app: then there is no session, and no fall-back to a cookie.
 * Where access tokens may be JWTs, every JWT is looked at: which of them are ours, only a check can tell.
 */
function bearerCredential(authorization: string, jwt: boolean): Credential | undefined {
  const token = bearerIn(authorization)
  if (token === undefined) return undefined
  const isOurs = isSessionToken(token) || (jwt && looksLikeJwt(token)) || token === unreadable
  return isOurs ? { source: 'bearer', token } : nothing
}

/**
 * The credential of a request, by precedence: Bearer, session cookie, anonymous header. `headers` are the carrier's own, read once
 * for all that asks them; `jwt`: whether JWTs are accepted.
 */
export function readCredential(carrier: Carrier, headers: RequestHeaders, cookieName: string, jwt: boolean): Credential {
  if (headers.authorization !== undefined) {
    const bearer = bearerCredential(carrier.authorization ?? '', jwt)
    if (bearer !== undefined) return bearer
  }
  const cookie = readCookie(headers.cookie, cookieName)
  // An access token in a browser's cookie was put there by somebody: it is for headers, where no page can send it.
  if (cookie !== undefined && cookie !== '') {
    return { source: 'cookie', token: cookie === null || looksLikeJwt(cookie) ? unreadable : cookie }
  }
  const anonymous = headers[anonymousTokenHeader]
  if (anonymous === undefined) return nothing
  // A signed-in session's token has no business in this header: accepting it would take CSRF off a stolen cookie.
  return { source: 'anonymous-header', token: isAnonymousToken(anonymous) ? anonymous : unreadable }
}

/** Whether a request over a refused transport carries any credential of ours, under any of the given cookie names. */
export function carriesCredential({ authorization, headers }: Carrier, cookieNames: readonly string[], jwt: boolean): boolean {
  const bearer = bearerCredential(authorization ?? '', jwt)
  if (bearer?.source === 'bearer' || headers[anonymousTokenHeader] !== undefined) return true
  return cookieNames.some((name) => {
    const value = readCookie(headers.cookie, name)
    return value === null || (value !== undefined && (isSessionToken(value) || isAnonymousToken(value)))
  })
}
