/** The composition root: options in, engine and HTTP layer out as one object. */
import { createDevices } from './defence/devices.ts'
import { Lockout, type LockView } from './defence/lockout.ts'
import type { EngineApi } from './engine/api.ts'
import { RandomPool } from './engine/crypto.ts'
import { createEngine } from './engine/engine.ts'
import { ConfigurationError, invalidField } from './engine/errors.ts'
import { createKeyring } from './engine/keyring.ts'
import { checkOptionsObject, type Report, unknownNames } from './engine/option-readers.ts'
import { type EngineOptions, engineOptionNames, parseEngineOptions } from './engine/options.ts'
import { createAddresses } from './http/address.ts'
import type { HttpCore } from './http/core.ts'
import { type ConnectionInfo, openFetch, type WebExchange } from './http/fetch.ts'
import { createLimits } from './http/limits.ts'
import { Live } from './http/live.ts'
import { type HttpOptions, httpOptionNames, parseHttpOptions } from './http/options.ts'
import { createRefreshCookie } from './http/refresh-cookie.ts'
import type { RegisteredAttributes } from './http/register.ts'
import { createSessionCookies } from './http/session-cookies.ts'
import type { FieldProblem } from './shared/wire.ts'
import type { CounterStore } from './store/counters.ts'
import type { Attributes, SessionStore } from './store/store.ts'

export interface HoldfastOptions<A extends Attributes = Attributes> extends EngineOptions<A>, HttpOptions {
  /** The session store with its counters, as every store of Holdfast has them. */
  readonly store: SessionStore & { readonly counters: CounterStore }
}

export interface Holdfast<A extends Attributes = Attributes> extends EngineApi<A> {
  /**
   * Opens a fetch-style request. When `response` is present return it; otherwise answer through `finish`.
   * `info` tells the address at the other end of the connection.
   */
  handle(request: Request, info?: ConnectionInfo): Promise<WebExchange<A>>
  /** Locks that failed sign-ins set, for administrators. */
  readonly lockouts: {
    /** Those that hold, the longest first; at most `limit`, 1 to 1000, default 200. Throws `store-unavailable`. */
    list(limit?: number): Promise<readonly LockView[]>
    /** Lifts one and forgets the failures that led to it. Returns what it was; `undefined` when there was none. */
    lift(id: string): Promise<Omit<LockView, 'id' | 'until'> | undefined>
  }
  /** What adapters build on. Not for apps: it changes without notice. */
  readonly http: HttpCore<A>
}

function checkCounters(store: Partial<HoldfastOptions['store']> | undefined, report: Report): void {
  const counters: Partial<CounterStore> | undefined = store?.counters
  if (typeof counters?.add !== 'function') report({ field: 'store.counters', message: 'must be a counter store' })
}

/**
 * Checks every option together and builds the service.
 * Throws `ConfigurationError` listing every problem: wrong values, contradictions, names that are not options.
 */
export function createHoldfast<A extends Attributes = RegisteredAttributes>(options: HoldfastOptions<A>): Holdfast<A> {
  checkOptionsObject(options)
  const found: FieldProblem[] = unknownNames(options, [...engineOptionNames, ...httpOptionNames], '')
  const report: Report = (problem) => found.push(problem)
  const engineSettings = parseEngineOptions(options, report)
  const settings = parseHttpOptions(options, report)
  checkCounters(options.store, report)
  if (found.length > 0) throw new ConfigurationError(found)

  const { clock } = engineSettings
  const engine = createEngine<A>(engineSettings, options.store)
  const { counters } = options.store
  const keyring = createKeyring(engineSettings.secrets)
  const devices = createDevices(keyring, new RandomPool(engineSettings.random))
  const lockout = new Lockout({ counters, clock, keyring, devices, rule: settings.lockout })
  const http: HttpCore<A> = {
    engine,
    settings,
    addresses: createAddresses(settings, (ip) => engine.emit({ kind: 'proxy_unlisted', subject: null, ip, outcome: 'ignored' })),
    cookies: createSessionCookies(settings.cookies),
    refreshCookie: createRefreshCookie(settings.basePath),
    limits: createLimits(settings, counters, clock),
    lockout,
    clock,
    live: new Live(settings.connections, clock),
    acceptsJwt: engineSettings.jwt !== null,
  }
  const lockouts = {
    list: async (limit = 200) => {
      if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
        throw invalidField('limit', 'must be a whole number from 1 to 1000')
      return lockout.list(limit)
    },
    lift: async (id: string) => {
      if (typeof id !== 'string') throw invalidField('id', 'must be text')
      return lockout.lift(id)
    },
  }
  return { ...engine, lockouts, http, handle: async (request, info) => openFetch(http, request, info) }
}
