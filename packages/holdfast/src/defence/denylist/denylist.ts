/**
 * Revocation for apps that issue JWTs of their own: a signature says who made a token, this says whether it still counts.
 *
 * `iat` has whole seconds, so of two tokens of one second it cannot be told which was issued before a revocation in it.
 * The doubt goes against the token: whatever may have been issued by then is denied. Who issues a new one in the same
 * step gives it the `iat` that the revocation answers as `validFrom`.
 */
import { systemRandom } from '../../engine/crypto.ts'
import { invalidField, storeUnavailable } from '../../engine/errors.ts'
import { Guard } from '../../engine/guard.ts'
import { anything, checkInput, type Rules } from '../../engine/inputs.ts'
import type { Denial } from '../../store/denylist.ts'
import type { Awaitable, Instant } from '../../store/store.ts'
import { type DenialKeys, denialKeys } from './keys.ts'
import { type DenylistOptions, type DenylistSettings, parseDenylistOptions } from './options.ts'
import { type PresentedToken, readPresented } from './presented.ts'
import { Bounded } from './remembered.ts'

/** What to revoke. `before`: tokens issued before this instant; default now, the tokens of this very moment included. */
export type DenialTarget =
  /** One token, by the digest of what is signed. Verify it first: whoever may revoke by text alone may only lose a token. */
  | { readonly token: string }
  /** One token, by its `jti`; `expiresAt` is its `exp` in milliseconds, if known. */
  | { readonly id: string | number; readonly expiresAt?: Instant }
  | { readonly subject: string | number; readonly before?: Instant }
  | { readonly everything: true; readonly before?: Instant }

export interface Denied {
  /** Whether it survives the loss of a node, by what the store can say. */
  readonly durable: boolean
  /** The earliest `iat` (seconds) that a revocation of many does not touch; null for one of a single token. */
  readonly validFrom: number | null
}

/**
 * `clear` says nothing of the signature or the expiry: those are the app's to check. `unknown` is neither: answer 503.
 * `malformed`: no signed JWT, or one that can be read in two ways. `outlives`: it lives longer than `tokenLifetime`.
 */
export type DenylistVerdict =
  | { readonly status: 'clear' }
  | { readonly status: 'dead'; readonly reason: 'revoked' | 'malformed' | 'outlives' }
  | { readonly status: 'unknown'; readonly code: 'store-unavailable'; readonly retryAfter: number }

export interface TokenDenylist {
  /**
   * Denies tokens, on every node. Throws `invalid-request` on bad input, and `store-unavailable` when it could not be
   * recorded: this node refuses the tokens all the same; repeat the call, it is idempotent.
   */
  revoke(target: DenialTarget): Promise<Denied>
  /** Whether a presented token was revoked. At once when the store answers at once; never throws. */
  check(token: string): Awaitable<DenylistVerdict>
  /** Deletes denials whose tokens have all expired; returns how many. Runs by itself every five minutes. */
  sweep(): Promise<number>
  /** Stops timers. The store is the caller's to close. */
  close(): void
}

const clear: DenylistVerdict = Object.freeze({ status: 'clear' })
const revoked: DenylistVerdict = Object.freeze({ status: 'dead', reason: 'revoked' })
const malformed: DenylistVerdict = Object.freeze({ status: 'dead', reason: 'malformed' })
const outlives: DenylistVerdict = Object.freeze({ status: 'dead', reason: 'outlives' })
const unknown: DenylistVerdict = Object.freeze({ status: 'unknown', code: 'store-unavailable', retryAfter: 1 })

/** Verifiers may accept a token for a while after `exp`: its denial is kept for longer than any that is sensible. */
const spare = 10 * 60_000
/** For ever, as an instant that every store can hold: the end of the year 9999. */
const forever = 253_402_300_799_000
const longestName = 1024
const sweepBatch = 500
const breaker = { faults: 10, pause: 500 }
const maxInFlight = 2000

class JwtDenylist implements TokenDenylist {
  readonly #settings: DenylistSettings
  readonly #keys: DenialKeys
  readonly #guard: Guard
  /** Denials that this node has seen. One never ends early, so to refuse by them needs no store. */
  readonly #denials: Bounded<Denial>
  /** Until when a token is taken for clear; used with `trustClear` only. */
  readonly #clear: Bounded<Instant>
  #cancelSweep: () => void

  constructor(settings: DenylistSettings) {
    this.#settings = settings
    this.#keys = denialKeys(settings.name)
    this.#guard = new Guard({ clock: settings.clock, random: systemRandom, breaker, maxInFlight })
    this.#denials = new Bounded(settings.remembered)
    this.#clear = new Bounded(settings.trustClear === 0 ? 0 : settings.remembered)
    this.#cancelSweep = settings.clock.after(settings.sweepEvery, () => this.#sweepAgain())
  }

  async revoke(target: DenialTarget): Promise<Denied> {
    const now = this.#settings.clock.now()
    const denial = this.#denialOf(target, now)
    this.#remember(denial)
    this.#clear.clear()
    try {
      const { durable } = await this.#guard.writes.run(this.#settings.writeDeadline, () => this.#settings.denials.put(denial))
      return { durable, validFrom: denial.before === null ? null : Math.ceil(denial.before / 1000) }
    } catch (fault) {
      throw storeUnavailable(fault)
    }
  }

  check(token: string): Awaitable<DenylistVerdict> {
    try {
      const presented = readPresented(token, this.#settings.subjectClaim)
      if (presented === undefined) return malformed
      const now = this.#settings.clock.now()
      if (this.#outlives(presented, now)) return outlives
      const keys = this.#keysOf(presented)
      if (keys.some((key) => denies(this.#denials.get(key), presented, now))) return revoked
      if (this.#isTrusted(presented, now)) return clear
      return this.#ask(presented, keys, now)
    } catch {
      return unknown
    }
  }

  async sweep(): Promise<number> {
    const { clock, denials, writeDeadline } = this.#settings
    let total = 0
    for (let swept = sweepBatch; swept === sweepBatch; total += swept) {
      swept = await this.#guard.writes.run(writeDeadline, () => denials.sweep(clock.now(), sweepBatch))
    }
    return total
  }

  close(): void {
    this.#cancelSweep()
    this.#guard.stop()
  }

  /** To a clock that was set back, an end further off than any that is given says nothing. */
  #isTrusted({ digest }: PresentedToken, now: Instant): boolean {
    const left = (this.#clear.get(digest) ?? now) - now
    return left > 0 && left <= this.#settings.trustClear
  }

  #ask(presented: PresentedToken, keys: readonly string[], now: Instant): Awaitable<DenylistVerdict> {
    const { denials, checkDeadline } = this.#settings
    const judge = (found: readonly Denial[]): DenylistVerdict => {
      for (const denial of found) this.#remember(denial)
      // What this node was told meanwhile counts too: a check that was under way must not outrun a revocation here.
      if ([...found, ...keys.map((key) => this.#denials.get(key))].some((denial) => denies(denial, presented, now)))
        return revoked
      // From when the store was asked, not from when it answered.
      this.#clear.set(presented.digest, now + this.#settings.trustClear)
      return clear
    }
    const found = this.#guard.reads.run(checkDeadline, () => denials.find(keys, now))
    return found instanceof Promise ? found.then(judge, () => unknown) : judge(found)
  }

  #keysOf({ digest, id, subject }: PresentedToken): string[] {
    const keys = [this.#keys.token(digest), this.#keys.everything]
    if (id !== undefined) keys.push(this.#keys.id(id))
    if (subject !== undefined) keys.push(this.#keys.subject(subject))
    return keys
  }

  /** Whether the token could be good for longer than a denial of it is kept. */
  #outlives({ issuedAt, expiresAt }: PresentedToken, now: Instant): boolean {
    const { tokenLifetime, clockSkew } = this.#settings
    if (tokenLifetime === Number.POSITIVE_INFINITY) return false
    return expiresAt === null || expiresAt > (issuedAt ?? now) + tokenLifetime + clockSkew
  }

  /** The later of what stands and what comes; the store does the same. */
  #remember(denial: Denial): void {
    const known = this.#denials.get(denial.key)
    const before =
      known === undefined || denial.before === null || known.before === null
        ? known?.before === null
          ? null
          : denial.before
        : Math.max(known.before, denial.before)
    this.#denials.set(denial.key, { key: denial.key, before, expiresAt: Math.max(known?.expiresAt ?? 0, denial.expiresAt) })
  }

  #keptUntil(from: Instant): Instant {
    return Math.min(from + this.#settings.tokenLifetime + spare, forever)
  }

  #denialOf(target: DenialTarget, now: Instant): Denial {
    checkTarget(target)
    if ('token' in target) {
      const presented = readPresented(target.token, this.#settings.subjectClaim)
      if (presented === undefined) throw invalidField('token', 'is not a signed JWT')
      return { key: this.#keys.token(presented.digest), before: null, expiresAt: this.#endOfOne(presented.expiresAt, now) }
    }
    if ('id' in target) {
      const expiresAt = this.#endOfOne(target.expiresAt ?? null, now)
      return { key: this.#keys.id(checkName('id', target.id)), before: null, expiresAt }
    }
    const key = 'subject' in target ? this.#keys.subject(checkName('subject', target.subject)) : this.#keys.everything
    if (!('subject' in target) && target.everything !== true) throw invalidField('everything', 'must be true')
    const before = checkBefore(target.before, now) + this.#settings.clockSkew
    return { key, before, expiresAt: this.#keptUntil(before + this.#settings.clockSkew) }
  }

  /** An `exp` that is later than any token's is not believed. */
  #endOfOne(expiresAt: Instant | null, now: Instant): Instant {
    const latest = this.#keptUntil(now + this.#settings.clockSkew)
    if (expiresAt === null) return latest
    if (!Number.isFinite(expiresAt)) throw invalidField('expiresAt', 'must be an instant in milliseconds')
    return Math.min(Math.max(Math.ceil(expiresAt), now) + spare, latest)
  }

  #sweepAgain(): void {
    this.sweep()
      .catch((fault: unknown) => this.#settings.onFault(fault, 'sweeping the denylist'))
      .finally(() => {
        this.#cancelSweep = this.#settings.clock.after(this.#settings.sweepEvery, () => this.#sweepAgain())
      })
  }
}

/** A token that does not say when it was issued may have been issued before anything. */
function denies(denial: Denial | undefined, { issuedAt }: PresentedToken, now: Instant): boolean {
  if (denial === undefined || now >= denial.expiresAt) return false
  return denial.before === null || issuedAt === null || issuedAt < denial.before
}

/** What may stand beside each. Of two of them, or with a misspelt one, nobody could tell what was meant. */
const targets: Readonly<Record<string, Rules>> = {
  token: { token: anything },
  id: { id: anything, expiresAt: anything },
  subject: { subject: anything, before: anything },
  everything: { everything: anything, before: anything },
}

function checkTarget(target: DenialTarget): void {
  const isObject = typeof target === 'object' && target !== null
  const named = isObject ? Object.keys(targets).filter((name) => name in target) : []
  const [name] = named
  if (name === undefined || named.length > 1) {
    throw invalidField('target', `must name one of ${Object.keys(targets).join(', ')}`)
  }
  checkInput(target, 'target', targets[name] ?? {})
}

function checkName(field: 'id' | 'subject', name: unknown): string {
  const text = typeof name === 'number' && Number.isSafeInteger(name) ? String(name) : name
  if (typeof text !== 'string' || text === '' || text.length > longestName) {
    throw invalidField(field, `must be a whole number or text of 1 to ${longestName} characters`)
  }
  return text
}

/** Without `before`: the first instant after now, so that the tokens of this one are in it. */
function checkBefore(before: Instant | undefined, now: Instant): Instant {
  if (before === undefined) return now + 1
  if (!Number.isSafeInteger(before) || before < 0) throw invalidField('before', 'must be an instant in milliseconds')
  if (before > now + 1) throw invalidField('before', 'must not be in the future: it would deny tokens that do not exist yet')
  return before
}

/** A denylist on a store. Throws `ConfigurationError` listing every wrong option. */
export function createDenylist(options: DenylistOptions): TokenDenylist {
  return new JwtDenylist(parseDenylistOptions(options))
}
