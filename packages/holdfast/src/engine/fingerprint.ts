/**
 * What kind of client a request comes from: browser family, platform, mobile or not. Never a version, so that an
 * update ends no session. It is coarse on purpose: it stops a cookie that was copied into another kind of client,
 * not one replayed with forged headers.
 */
import type { Keyring, SigningKey } from './keyring.ts'

/** First match wins: each later product also names the earlier ones' engines. */
const families: readonly (readonly [mark: string, name: string])[] = [
  ['Edg', 'Edge'],
  ['OPR/', 'Opera'],
  ['SamsungBrowser/', 'Samsung Internet'],
  ['Vivaldi/', 'Vivaldi'],
  ['FxiOS/', 'Firefox'],
  ['Firefox/', 'Firefox'],
  ['CriOS/', 'Chrome'],
  ['Chrome/', 'Chrome'],
  ['Version/', 'Safari'],
]

const platforms: readonly (readonly [mark: string, name: string])[] = [
  ['Windows', 'Windows'],
  ['Android', 'Android'],
  ['iPhone', 'iPhone'],
  ['iPad', 'iPad'],
  ['CrOS', 'ChromeOS'],
  ['Macintosh', 'macOS'],
  ['Linux', 'Linux'],
]

const longestUserAgent = 512

export interface ClientKind {
  readonly family: string
  readonly platform: string
  readonly mobile: boolean
}

function firstMatch(table: readonly (readonly [string, string])[], text: string): string | undefined {
  return table.find(([mark]) => text.includes(mark))?.[1]
}

/** The kind of browser, or null for anything that does not call itself one (programs, jobs, no header). */
export function clientKind(userAgent: string | undefined): ClientKind | null {
  if (userAgent === undefined || !userAgent.startsWith('Mozilla/5.0 ')) return null
  const text = userAgent.slice(0, longestUserAgent)
  const family = firstMatch(families, text)
  if (family === undefined) return null
  return { family, platform: firstMatch(platforms, text) ?? 'unknown platform', mobile: text.includes('Mobile') }
}

// C0 and C1 controls, line separators and bidirectional marks: a header must not be able to forge or reorder a line.
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** A name to show in a list of devices: `Firefox on Linux`, else the product token, else `Unknown client`. */
export function labelOf(userAgent: string | undefined): string {
  const kind = clientKind(userAgent)
  if (kind !== null) return `${kind.family} on ${kind.platform}`
  const product = (userAgent ?? '').slice(0, longestUserAgent).replace(unprintable, '').split(/[\s/]/, 1)[0] ?? ''
  return product === '' ? 'Unknown client' : product.slice(0, 40)
}

/** The header as it is kept: bounded, without characters that could forge a log line; null when there is none. */
export function keptUserAgent(userAgent: string | undefined): string | null {
  const text = (userAgent ?? '').slice(0, longestUserAgent).replace(unprintable, '')
  return text === '' ? null : text
}

/** Digests of user agents seen lately: few distinct ones, and each check of a record needs one. */
const digests: WeakMap<SigningKey, Map<string, string | null>> = new WeakMap()
const mostDigests = 1000

function digestWith(key: SigningKey, userAgent: string | undefined): string | null {
  if (userAgent === undefined) return null
  const known = digestsOf(key)
  const found = known.get(userAgent)
  if (found !== undefined) return found
  const digest = computeDigest(key, clientKind(userAgent))
  if (userAgent.length <= longestUserAgent) known.set(userAgent, digest)
  return digest
}

function digestsOf(key: SigningKey): Map<string, string | null> {
  const known = digests.get(key)
  if (known !== undefined && known.size < mostDigests) return known
  const fresh = new Map<string, string | null>()
  digests.set(key, fresh)
  return fresh
}

function computeDigest(key: SigningKey, kind: ClientKind | null): string | null {
  if (kind === null) return null
  return `${key.id}.${key.mac('fingerprint').signText(`${kind.family}\n${kind.platform}\n${kind.mobile}`).slice(0, 22)}`
}

/** `key id.digest` of the client's kind, or null for a client that is none: then nothing is bound. */
export function fingerprintOf(keyring: Keyring, userAgent: string | undefined): string | null {
  return digestWith(keyring.signing, userAgent)
}

/**
 * Whether a client is of the kind that the record was bound to. A digest made with a key that is no longer listed
 * cannot be compared and binds nothing: a planned key removal must not lock everyone out.
 */
export function matchesFingerprint(keyring: Keyring, bound: string, userAgent: string | undefined): boolean {
  const key = keyring.find(bound.slice(0, 4))
  if (key === undefined) return true
  // Both are keyed digests of one of a few kinds: what time this takes tells nobody anything.
  return digestWith(key, userAgent) === bound
}
