/** What a presented token says of itself, read without believing it: a denylist only ever refuses. */
import { sha256 } from '../../engine/crypto.ts'
import { type JsonObject, readObject } from '../../engine/jwt/json.ts'
import type { Instant } from '../../store/store.ts'

/** Longer tokens are refused: Node refuses headers of twice that. */
const longestToken = 8192

export interface PresentedToken {
  /**
   * Names the token whatever its signature is spelled like: it covers what is signed. Of a signature there may be
   * several (spare bits of base64url, the twin of an ECDSA signature), and each would have a digest of its own.
   */
  readonly digest: string
  readonly id: string | undefined
  readonly subject: string | undefined
  /** Null when it does not say, or says nothing that is a time. */
  readonly issuedAt: Instant | null
  readonly expiresAt: Instant | null
}

/** A claim that is there and names nothing. */
const unnameable: unique symbol = Symbol('unnameable')

/**
 * A claim that names something: apps write whole numbers too. A number beyond those that are exact is another one to
 * another parser, so what it names could not be revoked by name; nor could what is no name at all.
 */
function nameOf(claims: JsonObject, claim: string): string | undefined | typeof unnameable {
  const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : unnameable
  return typeof value === 'string' ? value : unnameable
}

/** NumericDate (RFC 7519 2): seconds, with a fraction or without. */
function timeOf(claims: JsonObject, claim: string): Instant | null {
  const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined
  return typeof value === 'number' && Number.isFinite(value) && Math.abs(value) < 1e12 ? value * 1000 : null
}

/**
 * Reads a signed JWT in the compact serialization. `undefined` for anything else: also for one that two parsers could
 * read differently (a member twice, another spelling, an inexact number), because the app's would then decide what was
 * asked about.
 */
export function readPresented(token: unknown, subjectClaim: string): PresentedToken | undefined {
  if (typeof token !== 'string' || token.length > longestToken) return undefined
  const [header = '', payload = '', signature = '', ...more] = token.split('.', 4)
  if (more.length > 0 || !/^[\w-]*$/.test(signature) || readObject(header).problem !== undefined) return undefined
  const { object: claims } = readObject(payload)
  if (claims === undefined) return undefined
  const id = nameOf(claims, 'jti')
  const subject = nameOf(claims, subjectClaim)
  if (id === unnameable || subject === unnameable) return undefined
  return {
    digest: sha256(`${header}.${payload}`),
    id,
    subject,
    issuedAt: timeOf(claims, 'iat'),
    expiresAt: timeOf(claims, 'exp'),
  }
}
