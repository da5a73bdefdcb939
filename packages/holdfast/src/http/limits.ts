/** What one source may ask for per minute: without it, clients without cookies fill the store and robots its log. */
import { createRateLimit, type RateLimit } from '../defence/limits.ts'
import { LocalLimit } from '../defence/local-limit.ts'
import type { Clock } from '../engine/clock.ts'
import type { CounterStore } from '../store/counters.ts'
import type { HttpSettings } from './options.ts'

export interface Limits {
  /** Anonymous sessions started. */
  readonly anonymous: RateLimit
  /** The same, of all sources together: one key. */
  readonly allAnonymous: RateLimit
  /** Sign-ins attempted. */
  readonly attempt: RateLimit
  /** Signed-in sessions started. */
  readonly signIn: RateLimit
  readonly refresh: RateLimit
  /** Tickets asked for, by session. */
  readonly ticket: RateLimit
  /** Tokens presented that this service never issued. */
  readonly failedToken: LocalLimit
}

const windowMs = 60_000
/** One for each connection that is opened; a page that reconnects every second keeps below it. */
const ticketsPerMinute = 60

export function createLimits(settings: HttpSettings, counters: CounterStore, clock: Clock): Limits {
  const { anonymousPerMinute, allAnonymousPerMinute, signInsPerMinute, refreshesPerMinute, failedTokensPerMinute } =
    settings.perMinute
  const limit = (name: string, most: number, detail: string) => createRateLimit({ counters, clock, name, most, windowMs, detail })
  return {
    anonymous: limit('anonymous', anonymousPerMinute, 'too many anonymous sessions were started from this network'),
    allAnonymous: limit('all-anonymous', allAnonymousPerMinute, 'too many anonymous sessions are being started'),
    attempt: limit('attempt', signInsPerMinute, 'too many sign-ins came from this network'),
    signIn: limit('sign-in', signInsPerMinute, 'too many sign-ins came from this network'),
    refresh: limit('refresh', refreshesPerMinute, 'too many refreshes came from this network'),
    ticket: limit('ticket', ticketsPerMinute, 'too many tickets were asked for'),
    failedToken: new LocalLimit({
      clock,
      most: failedTokensPerMinute,
      windowMs,
      detail: 'too many invalid tokens came from this network',
    }),
  }
}
