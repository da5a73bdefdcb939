/**
 * The recent rotations of a session that is carried by tokens, as its record keeps them in `nonce`: those inside the
 * grace window, and always the latest. With them a client that repeats a spent refresh token, because it lost the
 * answer or its tabs raced, is led to the one token that is good now, however many rotations it missed; and the
 * instant at which each token was spent is known, so that a thief cannot stretch the window by rotating on.
 */
import type { Instant, SessionRecord } from '../store/store.ts'
import { equalText } from './crypto.ts'
import type { ParsedToken, Tokens } from './token.ts'

export interface Rotation {
  readonly nonce: string
  readonly at: Instant
}

/** Rotations inside one grace window, at most (about a kilobyte); the token that a further one would spend stays good. */
const mostRotations = 32

const nonceLength = 24
/** In place of a nonce: a new secret that no token before it leads to. */
const cutMark = '-'.repeat(nonceLength)

function spell({ nonce, at }: Rotation): string {
  return `${nonce}${at.toString(36)}`
}

/** The record's `nonce` after its secret was replaced at this instant: no earlier token leads anywhere. */
export function cutLineage(at: Instant): string {
  return spell({ nonce: cutMark, at })
}

/** Oldest first, a cut among them; empty when no refresh token was ever spent. */
export function rotationsOf({ nonce }: Pick<SessionRecord, 'nonce'>): readonly Rotation[] {
  if (nonce === null) return []
  return nonce.split('.').map((text) => ({
    nonce: text.slice(0, nonceLength),
    at: Number.parseInt(text.slice(nonceLength), 36),
  }))
}

function isRecent(at: Instant, now: Instant, grace: number): boolean {
  return now < at + grace
}

/** The record's `nonce` after one more rotation; `undefined` when there were too many lately. */
export function withRotation(rotations: readonly Rotation[], next: Rotation, grace: number): string | undefined {
  const kept = [...rotations.filter(({ at }) => isRecent(at, next.at, grace)), next]
  return kept.length > mostRotations ? undefined : kept.map(spell).join('.')
}

/** Where an authentic refresh token stands in the lineage of its session. */
export type Place =
  | { readonly is: 'current' }
  /** Spent inside the grace window; `current` is the token that it leads to. */
  | { readonly is: 'recent'; readonly current: string }
  /** Neither good nor a sign of theft: the lineage was cut moments ago, the store or a list of keys lost a step of it. */
  | { readonly is: 'unplaced' }
  /** `late`: spent longer ago than the window. `stray`: of no line that leads to the current one. */
  | { readonly is: 'reused'; readonly how: 'late' | 'stray' }

const stray: Place = { is: 'reused', how: 'stray' }
const late: Place = { is: 'reused', how: 'late' }

export interface Presented {
  readonly token: string
  readonly parsed: ParsedToken
  readonly now: Instant
  readonly grace: number
}

export function placeOf(tokens: Tokens, record: SessionRecord, { token, parsed, now, grace }: Presented): Place {
  const behind = record.generation - parsed.generation
  // A failover can lose a rotation that was answered; its token proves nothing against the digest that is left.
  if (behind < 0) return { is: 'unplaced' }
  if (behind === 0) return equalText(parsed.digest, record.digest) ? { is: 'current' } : stray
  const rotations = rotationsOf(record)
  const cutAt = rotations.findLastIndex(({ nonce }) => nonce === cutMark)
  const cut = rotations[cutAt]
  const isFromBefore = behind >= rotations.length - cutAt
  if (cut !== undefined && isFromBefore && isRecent(cut.at, now, grace)) return { is: 'unplaced' }
  const missed = rotations.slice(-behind)
  const first = missed[0]
  if (missed.length < behind || first === undefined || !isRecent(first.at, now, grace)) return late
  const nonces = missed.map(({ nonce }) => nonce)
  const led = tokens.successor(token, parsed, nonces)
  if (led === undefined) return { is: 'unplaced' }
  return equalText(led.digest, record.digest) ? { is: 'recent', current: led.token } : stray
}
