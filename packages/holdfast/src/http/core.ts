/** What every request of one Holdfast shares: the engine and the parts of the HTTP layer. */
import type { Lockout } from '../defence/lockout.ts'
import type { EngineApi } from '../engine/api.ts'
import type { Clock } from '../engine/clock.ts'
import type { Attributes } from '../store/store.ts'
import type { Addresses } from './address.ts'
import type { Limits } from './limits.ts'
import type { Live } from './live.ts'
import type { HttpSettings } from './options.ts'
import type { RefreshCookie } from './refresh-cookie.ts'
import type { SessionCookies } from './session-cookies.ts'

export interface HttpCore<A extends Attributes = Attributes> {
  readonly engine: EngineApi<A>
  readonly settings: HttpSettings
  readonly addresses: Addresses
  readonly cookies: SessionCookies
  readonly refreshCookie: RefreshCookie
  readonly limits: Limits
  readonly lockout: Lockout
  readonly clock: Clock
  /** Whether access tokens may be JWTs. */
  readonly acceptsJwt: boolean
  /** Open streams and sockets. */
  readonly live: Live
}

/** Throws a `TypeError` for what `createHoldfast` did not return, such as its options. */
export function coreOf<A extends Attributes>(holdfast: { readonly http: HttpCore<A> }): HttpCore<A> {
  const core: HttpCore<A> | undefined = holdfast?.http
  if (core === undefined) throw new TypeError('an adapter takes what createHoldfast returned')
  return core
}
