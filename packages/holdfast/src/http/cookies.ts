/**
 * Cookies on the wire: exact reading, and writing that nothing can inject an attribute into.
 *
 * Reading follows RFC 6265bis and nothing more lenient: split on `;`, trim space and tab only, the first `=`
 * ends the name, no percent or quoted decoding, names compared as they are. Browsers accept names that start
 * with Unicode white space, so a lenient trim turns a sibling's cookie into ours (CVE-2026-39410).
 */
const space = 0x20
const tab = 0x09
const semicolon = 0x3b
const equals = 0x3d

const longestHeader = 8192
const mostPairs = 150

function isBlank(code: number): boolean {
  return code === space || code === tab
}

/** Whether a pair's name starts at `at`: only blanks between it and the start or the `;` before. */
function startsPair(header: string, at: number): boolean {
  let before = at - 1
  while (before >= 0 && isBlank(header.charCodeAt(before))) before -= 1
  return before < 0 || header.charCodeAt(before) === semicolon
}

/** Where the value begins when the name ends at `end`; -1 when more than blanks stand before the `=`. */
function valueStart(header: string, end: number): number {
  let at = end
  while (isBlank(header.charCodeAt(at))) at += 1
  return header.charCodeAt(at) === equals ? at + 1 : -1
}

function trimmed(header: string, from: number, to: number): string {
  let start = from
  let end = to
  while (start < end && isBlank(header.charCodeAt(start))) start += 1
  while (end > start && isBlank(header.charCodeAt(end - 1))) end -= 1
  return header.slice(start, end)
}

function hasTooManyPairs(header: string): boolean {
  // A pair takes two characters at least, its `;` being one: so few cannot hold that many.
  if (header.length < 2 * mostPairs) return false
  let pairs = 0
  let from = 0
  for (let end = header.indexOf(';'); end !== -1; end = header.indexOf(';', from)) {
    if (end > from) pairs += 1
    from = end + 1
  }
  return pairs + (header.length > from ? 1 : 0) > mostPairs
}

/**
 * The value of the cookie of this exact name in a `Cookie` header; `undefined` when it is not there; `null` when
 * the header must not be believed: the name twice (one of them was tossed in by another host or path), or a
 * header beyond 8 KiB or 150 pairs that holds the name.
 */
export function readCookie(header: string | undefined, name: string): string | null | undefined {
  if (header === undefined) return undefined
  let found: string | undefined
  let next = 0
  for (let at = header.indexOf(name); at !== -1; at = header.indexOf(name, next)) {
    next = at + 1
    if (!startsPair(header, at)) continue
    const from = valueStart(header, at + name.length)
    if (from === -1) continue
    if (found !== undefined) return null
    const semicolonAt = header.indexOf(';', from)
    // No pair starts inside a value.
    next = semicolonAt === -1 ? header.length : semicolonAt
    found = trimmed(header, from, next)
  }
  if (found !== undefined && (header.length > longestHeader || hasTooManyPairs(header))) return null
  return found
}

export type SameSite = 'lax' | 'strict' | 'none'

export interface CookieAttributes {
  readonly secure: boolean
  readonly httpOnly: boolean
  readonly sameSite: SameSite
  /** Default `/`. */
  readonly path?: string
  readonly domain?: string | undefined
  readonly partitioned?: boolean
  /** Seconds until the browser drops it, at most 400 days; absent: with the browser; 0: at once. */
  readonly maxAge?: number | undefined
}

const sameSiteWord = { lax: 'Lax', strict: 'Strict', none: 'None' } as const
const nameSpelling = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const valueSpelling = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/
const domainSpelling = /^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/
const longestMaxAge = 400 * 24 * 3600
const longestCookie = 4096

/** Whether this may stand in a cookie's `Domain`. */
export function isCookieDomain(text: string): boolean {
  return domainSpelling.test(text)
}

/**
 * One `Set-Cookie` line, always with a `Path` and an explicit `SameSite`. Throws `TypeError` for a name, value or
 * domain outside the grammar of RFC 6265, and for a name and value beyond the 4096 bytes that browsers keep.
 */
export function cookieLine(name: string, value: string, attributes: CookieAttributes): string {
  if (!nameSpelling.test(name)) throw new TypeError('a cookie name must be an HTTP token')
  if (!valueSpelling.test(value)) throw new TypeError(`the value of cookie ${name} has a character that cookies cannot carry`)
  if (name.length + value.length > longestCookie) throw new TypeError(`cookie ${name} is longer than browsers keep`)
  if (attributes.domain !== undefined && !isCookieDomain(attributes.domain)) throw new TypeError('not a cookie domain')
  let line = `${name}=${value}; Path=${attributes.path ?? '/'}`
  if (attributes.domain !== undefined) line += `; Domain=${attributes.domain}`
  if (attributes.maxAge !== undefined) {
    line += `; Max-Age=${Math.min(Math.max(0, Math.floor(attributes.maxAge)), longestMaxAge)}`
    // Some clients know only Expires; the past is the past on every clock.
    if (attributes.maxAge <= 0) line += '; Expires=Thu, 01 Jan 1970 00:00:00 GMT'
  }
  if (attributes.httpOnly) line += '; HttpOnly'
  if (attributes.secure) line += '; Secure'
  line += `; SameSite=${sameSiteWord[attributes.sameSite]}`
  return attributes.partitioned === true ? `${line}; Partitioned` : line
}

/** The lines of a response with `line` in place of any earlier line of the same cookie; other cookies stay. */
export function withCookieLine(lines: readonly string[], name: string, line: string): string[] {
  const start = `${name}=`
  return [...lines.filter((other) => !other.startsWith(start)), line]
}
