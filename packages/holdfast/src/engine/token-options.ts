/** The `tokens` option: sessions that are carried by access and refresh tokens. */
import type { Duration } from './duration.ts'
import { checkGroup, day, longestLimit, minute, type Report, readChoice, readDuration, second } from './option-readers.ts'

/** What a spent refresh token that turns up again ends: its session, or every session of its subject. */
export type ReusePolicy = 'session' | 'subject'

export interface TokenOptions {
  /** How long an access token is good, less up to 5 % by chance so that they do not all end at once. Default 15 min. */
  readonly accessLifetime?: Duration
  /** Ends a session carried by tokens after this much inactivity. Default 7 d. */
  readonly idle?: Duration
  /** Ends it after this much time whatever happens. Default 30 d. */
  readonly absolute?: Duration
  /**
   * How long a spent refresh token leads its own client to the current one, because an answer was lost or tabs
   * raced. Default 30 s; at most 5 min, and less than `accessLifetime`. 0: every repetition counts as reuse.
   */
  readonly grace?: Duration
  /** Default `session`. */
  readonly onReuse?: ReusePolicy
}

export interface Limits {
  readonly idle: number
  readonly absolute: number
}

export interface TokenSettings {
  readonly accessLifetime: number
  readonly limits: Limits
  readonly grace: number
  readonly onReuse: ReusePolicy
}

const tokenDurations = {
  accessLifetime: { default: 15 * minute, min: second, max: day },
  idle: { default: 7 * day, min: second, max: longestLimit },
  absolute: { default: 30 * day, min: second, max: longestLimit },
  grace: { default: 30 * second, min: 0, max: 5 * minute },
} as const

const reusePolicies: readonly ReusePolicy[] = ['session', 'subject']

export function readTokens(given: TokenOptions | undefined, report: Report): TokenSettings {
  checkGroup(given, 'tokens', [...Object.keys(tokenDurations), 'onReuse'], report)
  const read = (name: keyof typeof tokenDurations) => readDuration(given?.[name], `tokens.${name}`, tokenDurations[name], report)
  const limits = { idle: read('idle'), absolute: read('absolute') }
  const accessLifetime = read('accessLifetime')
  const grace = read('grace')
  const order = [
    ['grace', grace, 'must be less than tokens.accessLifetime', accessLifetime - 1],
    ['accessLifetime', accessLifetime, 'must not exceed tokens.idle', limits.idle],
    ['idle', limits.idle, 'must not exceed tokens.absolute', limits.absolute],
  ] as const
  for (const [name, value, message, most] of order) if (value > most) report({ field: `tokens.${name}`, message })
  return {
    accessLifetime,
    limits,
    grace,
    onReuse: readChoice(given?.onReuse, 'tokens.onReuse', reusePolicies, 'session', report),
  }
}
