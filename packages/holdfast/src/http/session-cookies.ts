/** The cookies of a session and of a known device, by kind of transport: their names, and the lines that set them. */
import { csrfCookie, deviceCookie, sessionCookie } from '../shared/names.ts'
import type { Instant } from '../store/store.ts'
import type { Transport } from './address.ts'
import { type CookieAttributes, cookieLine, type SameSite } from './cookies.ts'

export interface CookieSettings {
  readonly sameSite: SameSite
  /** Shares the cookies with every host of this domain; null keeps them on this host alone. */
  readonly domainShared: string | null
  readonly partitioned: boolean
}

export interface CookieNames {
  readonly session: string
  readonly csrf: string
}

/** A cookie of a response: its name, and its whole `Set-Cookie` line. */
export interface CookieChange {
  readonly name: string
  readonly line: string
}

export interface CookieLifetime {
  /** False: the cookie goes with the browser. */
  readonly persistent: boolean
  readonly absoluteExpiresAt: Instant
  readonly now: Instant
}

export interface SessionCookies {
  names(transport: Transport): CookieNames
  session(transport: Transport, token: string, lifetime: CookieLifetime): CookieChange
  csrf(transport: Transport, token: string, lifetime: CookieLifetime): CookieChange
  deviceName(transport: Transport): string
  /** Outlives every session; `maxAge` in seconds. */
  device(transport: Transport, proof: string, maxAge: number): CookieChange
  /** Both cookies of the session told to go at once, with the attributes they were set with: a browser matches on them. */
  expired(transport: Transport): readonly CookieChange[]
}

/**
 * The absolute limit, so that no later response has to renew the cookie: a response that renews can undo a sign-out
 * that happened meanwhile.
 */
export function maxAgeOf({ persistent, absoluteExpiresAt, now }: CookieLifetime): number | undefined {
  return persistent ? Math.max(1, (absoluteExpiresAt - now) / 1000) : undefined
}

const loopbackNames: CookieNames = { session: sessionCookie.loopback, csrf: csrfCookie.loopback }

export function createSessionCookies(settings: CookieSettings): SessionCookies {
  const kind = settings.domainShared === null ? 'secure' : 'domainShared'
  const secureNames: CookieNames = { session: sessionCookie[kind], csrf: csrfCookie[kind] }
  const secureAttributes = {
    secure: true,
    sameSite: settings.sameSite,
    domain: settings.domainShared ?? undefined,
    partitioned: settings.partitioned,
  } as const
  // Browsers refuse SameSite=None and Partitioned without Secure, and Lax is stricter.
  const bareAttributes = { secure: false, sameSite: settings.sameSite === 'none' ? 'lax' : settings.sameSite } as const

  const names = (transport: Transport) => (transport === 'secure' ? secureNames : loopbackNames)
  const deviceName = (transport: Transport) => (transport === 'secure' ? deviceCookie[kind] : deviceCookie.loopback)
  const attributes = (transport: Transport, httpOnly: boolean, maxAge: number | undefined): CookieAttributes => ({
    ...(transport === 'secure' ? secureAttributes : bareAttributes),
    httpOnly,
    maxAge,
  })
  const change = (name: string, value: string, given: CookieAttributes): CookieChange => ({
    name,
    line: cookieLine(name, value, given),
  })

  return {
    names,
    session: (transport, token, lifetime) =>
      change(names(transport).session, token, attributes(transport, true, maxAgeOf(lifetime))),
    csrf: (transport, token, lifetime) => change(names(transport).csrf, token, attributes(transport, false, maxAgeOf(lifetime))),
    deviceName,
    device: (transport, proof, age) => change(deviceName(transport), proof, attributes(transport, true, age)),
    expired: (transport) => [
      change(names(transport).session, '', attributes(transport, true, 0)),
      change(names(transport).csrf, '', attributes(transport, false, 0)),
    ],
  }
}
