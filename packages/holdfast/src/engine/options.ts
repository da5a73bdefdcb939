/** Engine options: parsed once, every problem reported at once, frozen. */
import type { Attributes, SessionStore, WhenFull } from '../store/store.ts'
import { type Clock, systemClock } from './clock.ts'
import { type RandomFill, systemRandom } from './crypto.ts'
import type { Duration } from './duration.ts'
import type { FaultLogger } from './events.ts'
import { unfailing } from './hook.ts'
import { type JwtOptions, type JwtSettings, readJwt } from './jwt/options.ts'
import { checkHooks, checkStore, readPromotion, readSecrets } from './option-checks.ts'
import {
  checkGroup,
  day,
  hour,
  longestLimit,
  minute,
  type Report,
  readChoice,
  readCount,
  readDuration,
  second,
} from './option-readers.ts'
import { type ChangePolicy, changePolicies } from './policies.ts'
import type { StandardSchema } from './schema.ts'
import { readShadow, type ShadowOptions, type ShadowSettings } from './shadow.ts'
import { type Limits, readTokens, type TokenOptions, type TokenSettings } from './token-options.ts'

export type { Report } from './option-readers.ts'
export type { ChangePolicy } from './policies.ts'
export type { ShadowOptions } from './shadow.ts'
export type { Limits, ReusePolicy, TokenOptions } from './token-options.ts'

/**
 * A visitor's attributes at sign-in. `merge`: carried over, and those of the sign-in win. `discard`: left behind.
 * `refuse`: carried over, unless the sign-in gives another value for one of them: then `conflict` is thrown and the
 * visitor stays. A function decides itself. They are what an unknown visitor had: nothing to base rights on.
 */
export type PromotionPolicy = 'merge' | 'discard' | 'refuse' | ((visitor: Attributes, given: Attributes) => Attributes)

export type DurablePolicy = 'accept' | 'refuse'

export interface LimitOptions {
  /** Ends a session after this much inactivity (ASVS 7.3.1). */
  readonly idle?: Duration
  /** Ends it after this much time whatever happens (ASVS 7.3.2). */
  readonly absolute?: Duration
}

export interface EngineOptions<A extends Attributes = Attributes> {
  /**
   * At least 32 characters each and not a placeholder. Newest first: it signs, the others still verify. `undefined` is
   * refused like any other that will not do: a variable of the environment that is not set.
   */
  readonly secret: string | readonly string[] | undefined
  readonly store: SessionStore
  readonly limits?: {
    /** Default 30 min idle, 12 h absolute. */
    readonly signedIn?: LimitOptions
    /** With `remember`. Default 14 d idle, 30 d absolute. */
    readonly remembered?: LimitOptions
    /** Default 10 min idle, 24 h absolute. */
    readonly anonymous?: LimitOptions
  }
  /** Sessions carried by access and refresh tokens. */
  readonly tokens?: TokenOptions
  /** Live sessions of one subject, and what a sign-in beyond them does. Default 5, `evict-oldest`. */
  readonly sessionsPerSubject?: { readonly max?: number; readonly whenFull?: WhenFull } | 'unlimited'
  /**
   * Live anonymous sessions, of all visitors together. Each sweep ends those beyond, the oldest first, so that a flood takes
   * no room from those who sign in; between two sweeps there may be as many more as the budgets let start. Default 100 000.
   */
  readonly anonymousMost?: number
  /** A token presented by another kind of browser. Default `deny`. */
  readonly fingerprint?: ChangePolicy
  /** A token presented from another network (IPv4 /24, IPv6 /64). Default `log`. */
  readonly ipChange?: ChangePolicy
  /** Stricter policies to try: what they would have done is told as `session_policy_shadow`, and not done. Default none. */
  readonly shadow?: ShadowOptions
  /** What becomes of a visitor's attributes at sign-in. Default `merge`. */
  readonly promotion?: PromotionPolicy
  /** How long a step-up holds. Default 10 min; at most the absolute limit. */
  readonly elevation?: Duration
  /** How long the secret before a step-up stays good, without the new rights. Default 10 s; at most 1 min. */
  readonly stepUpGrace?: Duration
  /** Time that a check may take before it is "cannot tell". Default 500 ms. */
  readonly checkDeadline?: Duration
  /** Time that a sign-in or a revocation may take. Default 2 s. */
  readonly writeDeadline?: Duration
  /**
   * What to do when the store has recorded a revocation that a failover could still undo. `accept`: say so, by `durable:
   * false`. `refuse`: throw `store-unavailable` and repeat it until it is durable; the sessions are ended all the same.
   * Default `accept`.
   */
  readonly durableRevocation?: DurablePolicy
  /**
   * Leaves a store alone after this many faults in a row, reads and writes apart: checks and changes are then "cannot
   * tell" at once, and after the pause (less up to a quarter) one call tries. Default 10 faults, 500 ms; at most 1 min.
   * Revocations are attempted all the same.
   */
  readonly breaker?: { readonly faults?: number; readonly pause?: Duration }
  /** Reads, and as many writes, that wait for the store at once; one more is "cannot tell" at once. Default 2000. */
  readonly maxInFlight?: number
  /** Longest time that this node trusts a verified record without the store's confirmation. Default 1 s; at most 1 min. */
  readonly maxStaleness?: Duration
  /** How long a live connection outlives the last word of its session being live, while the store cannot tell. Default 10 s; at most 10 min. */
  readonly connectionGrace?: Duration
  /**
   * Verified sessions that this node remembers. Default 10 000. 0 asks the store at each check, and proves the tag of each token
   * anew: for single routes `fresh` asks the store and keeps the proof.
   */
  readonly rememberedChecks?: number
  /** How long an ended signed-in session is kept, so that its holder can be told why. Default 24 h. */
  readonly retention?: Duration
  /** Default 5 min. */
  readonly sweepEvery?: Duration
  /** Lets access tokens be JWTs, and accepts them as Bearer. Default: opaque tokens only. */
  readonly jwt?: JwtOptions
  /** Checks attributes: any Standard Schema validator. */
  readonly attributes?: StandardSchema<A>
  readonly clock?: Clock
  readonly random?: RandomFill
  /** Told of faults in the background and in listeners. Default: a line on standard error. */
  readonly onFault?: FaultLogger
}

export interface BreakerSettings {
  readonly faults: number
  readonly pause: number
}

export interface EngineSettings {
  readonly secrets: readonly [string, ...string[]]
  readonly limits: { readonly signedIn: Limits; readonly remembered: Limits; readonly anonymous: Limits }
  readonly tokens: TokenSettings
  readonly cap: { readonly max: number; readonly whenFull: WhenFull } | null
  readonly anonymousMost: number
  readonly fingerprint: ChangePolicy
  readonly ipChange: ChangePolicy
  readonly shadow: ShadowSettings
  readonly promotion: PromotionPolicy
  readonly elevation: number
  readonly stepUpGrace: number
  readonly checkDeadline: number
  readonly writeDeadline: number
  readonly durableRevocation: DurablePolicy
  readonly breaker: BreakerSettings
  readonly maxInFlight: number
  readonly maxStaleness: number
  readonly connectionGrace: number
  readonly rememberedChecks: number
  readonly retention: number
  readonly sweepEvery: number
  readonly jwt: JwtSettings | null
  readonly attributes: StandardSchema<Attributes> | undefined
  readonly clock: Clock
  readonly random: RandomFill
  readonly onFault: FaultLogger
}

/** Option names of the engine, for a caller that checks a larger object for unknown names. */
export const engineOptionNames: readonly (keyof EngineOptions)[] = [
  'secret',
  'store',
  'limits',
  'tokens',
  'sessionsPerSubject',
  'anonymousMost',
  'fingerprint',
  'ipChange',
  'shadow',
  'promotion',
  'elevation',
  'stepUpGrace',
  'checkDeadline',
  'writeDeadline',
  'durableRevocation',
  'breaker',
  'maxInFlight',
  'maxStaleness',
  'connectionGrace',
  'rememberedChecks',
  'retention',
  'sweepEvery',
  'jwt',
  'attributes',
  'clock',
  'random',
  'onFault',
]

const durations = {
  elevation: { default: 10 * minute, min: second, max: longestLimit },
  stepUpGrace: { default: 10 * second, min: 0, max: minute },
  checkDeadline: { default: 500, min: 10, max: minute },
  writeDeadline: { default: 2 * second, min: 10, max: 5 * minute },
  breakerPause: { default: 500, min: 10, max: minute },
  maxStaleness: { default: second, min: 0, max: minute },
  connectionGrace: { default: 10 * second, min: second, max: 10 * minute },
  retention: { default: day, min: 0, max: longestLimit },
  sweepEvery: { default: 5 * minute, min: second, max: day },
} as const

const limitDefaults = {
  signedIn: { idle: 30 * minute, absolute: 12 * hour },
  remembered: { idle: 14 * day, absolute: 30 * day },
  anonymous: { idle: 10 * minute, absolute: day },
} as const

const durablePolicies: readonly DurablePolicy[] = ['accept', 'refuse']
const capPolicies: readonly WhenFull[] = ['evict-oldest', 'evict-idle', 'refuse']

function readLimits(given: EngineOptions['limits'], name: keyof typeof limitDefaults, report: Report): Limits {
  checkGroup(given?.[name], `limits.${name}`, ['idle', 'absolute'], report)
  const defaults = limitDefaults[name]
  const range = (value: number) => ({ default: value, min: second, max: longestLimit })
  const idle = readDuration(given?.[name]?.idle, `limits.${name}.idle`, range(defaults.idle), report)
  const absolute = readDuration(given?.[name]?.absolute, `limits.${name}.absolute`, range(defaults.absolute), report)
  if (idle > absolute) report({ field: `limits.${name}`, message: `idle (${idle} ms) must not exceed absolute (${absolute} ms)` })
  return { idle, absolute }
}

function readCap(given: EngineOptions['sessionsPerSubject'], report: Report): EngineSettings['cap'] {
  if (given === 'unlimited') return null
  checkGroup(given, 'sessionsPerSubject', ['max', 'whenFull'], report)
  return {
    max: readCount(given?.max, 'sessionsPerSubject.max', { default: 5, min: 1, max: 10_000 }, report),
    whenFull: readChoice(given?.whenFull, 'sessionsPerSubject.whenFull', capPolicies, 'evict-oldest', report),
  }
}

function readBreaker(given: EngineOptions['breaker'], report: Report): BreakerSettings {
  checkGroup(given, 'breaker', ['faults', 'pause'], report)
  return {
    faults: readCount(given?.faults, 'breaker.faults', { default: 10, min: 1, max: 1_000_000 }, report),
    pause: readDuration(given?.pause, 'breaker.pause', durations.breakerPause, report),
  }
}

function logToStandardError(fault: unknown, doing: string): void {
  console.error(`holdfast: fault while ${doing}: ${fault instanceof Error ? fault.message : 'unknown'}`)
}

/** Reads the options, reporting every problem; with problems reported the result must not be used. */
export function parseEngineOptions<A extends Attributes>(options: EngineOptions<A>, report: Report): EngineSettings {
  checkStore(options.store, report)
  checkHooks(options, report)
  checkGroup(options.limits, 'limits', Object.keys(limitDefaults), report)
  const limits = {
    signedIn: readLimits(options.limits, 'signedIn', report),
    remembered: readLimits(options.limits, 'remembered', report),
    anonymous: readLimits(options.limits, 'anonymous', report),
  }
  const elevation = readDuration(options.elevation, 'elevation', durations.elevation, report)
  if (elevation > limits.signedIn.absolute) {
    report({ field: 'elevation', message: 'must not exceed limits.signedIn.absolute' })
  }
  const secrets = readSecrets(options.secret, report)
  const policies = {
    fingerprint: readChoice(options.fingerprint, 'fingerprint', changePolicies, 'deny', report),
    ipChange: readChoice(options.ipChange, 'ipChange', changePolicies, 'log', report),
  }
  return Object.freeze({
    secrets,
    limits,
    tokens: readTokens(options.tokens, report),
    cap: readCap(options.sessionsPerSubject, report),
    anonymousMost: readCount(options.anonymousMost, 'anonymousMost', { default: 100_000, min: 1, max: 10_000_000 }, report),
    ...policies,
    shadow: readShadow(options.shadow, policies, report),
    promotion: readPromotion(options.promotion, report),
    elevation,
    stepUpGrace: readDuration(options.stepUpGrace, 'stepUpGrace', durations.stepUpGrace, report),
    checkDeadline: readDuration(options.checkDeadline, 'checkDeadline', durations.checkDeadline, report),
    writeDeadline: readDuration(options.writeDeadline, 'writeDeadline', durations.writeDeadline, report),
    durableRevocation: readChoice(options.durableRevocation, 'durableRevocation', durablePolicies, 'accept', report),
    breaker: readBreaker(options.breaker, report),
    maxInFlight: readCount(options.maxInFlight, 'maxInFlight', { default: 2000, min: 1, max: 1_000_000 }, report),
    maxStaleness: readDuration(options.maxStaleness, 'maxStaleness', durations.maxStaleness, report),
    connectionGrace: readDuration(options.connectionGrace, 'connectionGrace', durations.connectionGrace, report),
    rememberedChecks: readCount(
      options.rememberedChecks,
      'rememberedChecks',
      { default: 10_000, min: 0, max: 1_000_000 },
      report,
    ),
    retention: readDuration(options.retention, 'retention', durations.retention, report),
    sweepEvery: readDuration(options.sweepEvery, 'sweepEvery', durations.sweepEvery, report),
    jwt: readJwt(options.jwt, secrets, report),
    attributes: options.attributes as StandardSchema<Attributes> | undefined,
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    onFault: unfailing(options.onFault ?? logToStandardError),
  })
}
