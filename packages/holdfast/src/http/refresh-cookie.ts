/** The cookie that carries a refresh token: sent to the one route that reads it, and to our own pages' requests only. */
import { refreshCookie } from '../shared/names.ts'
import type { Transport } from './address.ts'
import { type CookieAttributes, cookieLine } from './cookies.ts'
import { type CookieChange, type CookieLifetime, maxAgeOf } from './session-cookies.ts'

export const refreshPath = '/refresh'

export interface RefreshCookie {
  name(transport: Transport): string
  set(transport: Transport, token: string, lifetime: CookieLifetime): CookieChange
  /** Told to go at once, with the attributes it was set with: a browser matches on them. */
  expired(transport: Transport): CookieChange
}

/** `SameSite=Strict` and no Domain, whatever the session's cookies have: no link leads to a refresh. */
export function createRefreshCookie(basePath: string): RefreshCookie {
  const name = (transport: Transport) => refreshCookie[transport === 'secure' ? 'secure' : 'loopback']
  const change = (transport: Transport, value: string, maxAge: number | undefined): CookieChange => {
    const secure = transport === 'secure'
    const attributes: CookieAttributes = { secure, httpOnly: true, sameSite: 'strict', path: basePath + refreshPath, maxAge }
    return { name: name(transport), line: cookieLine(name(transport), value, attributes) }
  }
  return {
    name,
    set: (transport, token, lifetime) => change(transport, token, maxAgeOf(lifetime)),
    expired: (transport) => change(transport, '', 0),
  }
}
