/**
 * Cross-site request forgery: which requests a browser was made to send by somebody else's page.
 *
 * Two checks, both needed for a request that a cookie authenticates. Where it comes from: Fetch Metadata and
 * Origin, which pages cannot forge. And a token that only our own pages can read, tied to the session by HMAC.
 * SameSite alone is not enough: sibling hosts carry Strict cookies (`Sec-Fetch-Site: same-site`).
 */

/** What the browser says about the page that made the request. */
export interface RequestSource {
  /** `Sec-Fetch-Site` */
  readonly site: string | undefined
  /** `Origin` */
  readonly origin: string | undefined
}

export interface AllowedOrigins {
  /** Our own origin as the client sees it; `undefined` when the request names no usable host. */
  readonly own: string | undefined
  readonly listed: ReadonlySet<string>
}

const otherScheme = /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9.-]+(?::\d{1,5})?$/

/**
 * The one spelling of an origin, or `undefined` for anything else (`null`, a path, user info, upper case).
 * Comparing parsed origins keeps `https://app.example.evil.test` from passing for `https://app.example`.
 */
export function parseOrigin(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  if (url.protocol === 'http:' || url.protocol === 'https:') return url.origin === text ? text : undefined
  return otherScheme.test(text) ? text : undefined
}

/** The origin of a request to this host; `undefined` when the Host header is not a host. */
export function originOf(scheme: 'http' | 'https', host: string | undefined): string | undefined {
  if (host === undefined || /[\s/?#@\\]/.test(host)) return undefined
  const text = `${scheme}://${host}`
  return URL.canParse(text) ? new URL(text).origin : undefined
}

export const isUnsafeMethod = (method: string): boolean => method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS'

/**
 * Why a request is refused for where it comes from; `undefined` when it is ours, listed, or from no page at all.
 *
 * An unknown `Sec-Fetch-Site` counts as absent. Neither header at all: not a browser of this decade, and nothing
 * says forged; the token decides where one is demanded.
 */
export function sourceProblem(source: RequestSource, allowed: AllowedOrigins): string | undefined {
  const foreign = source.site === 'cross-site' || source.site === 'same-site'
  if (source.origin === undefined) {
    return foreign ? `the request was made by another site (Sec-Fetch-Site: ${source.site}) without an Origin` : undefined
  }
  const origin = parseOrigin(source.origin)
  if (origin === undefined) return 'the Origin of the request is opaque or malformed'
  if (allowed.listed.has(origin)) return undefined
  if (origin !== allowed.own) return 'the Origin of the request is neither our own nor listed'
  return foreign ? `Origin and Sec-Fetch-Site (${source.site}) contradict each other` : undefined
}

export interface TokenCheck {
  /** The CSRF cookie as read: absent is `undefined`, present twice is `null`. */
  readonly cookie: string | null | undefined
  /** The `X-CSRF-Token` header. */
  readonly header: string | undefined
  /** Whether a token is the session's own; compares in constant time. */
  readonly isOfSession: (token: string) => boolean
}

/** Why the token is refused; `undefined` when it is right. */
export function tokenProblem({ cookie, header, isOfSession }: TokenCheck): string | undefined {
  if (header === undefined || header === '') return 'the X-CSRF-Token header is missing'
  if (cookie === null) return 'the CSRF cookie is present more than once'
  if (cookie === undefined) return 'the CSRF cookie is missing'
  // The header is held against the session's own token in constant time; after that both values are known here.
  if (!isOfSession(header)) return 'the X-CSRF-Token header is not the token of this session'
  return cookie === header ? undefined : 'the CSRF cookie is not the X-CSRF-Token header'
}
