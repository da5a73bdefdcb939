/** HTTP options: read once, every problem reported at once, beside the engine's. */
import { parseOrigin } from '../defence/csrf.ts'
import type { LockoutRule } from '../defence/lockout.ts'
import type { Duration } from '../engine/duration.ts'
import { checkGroup, type Report, readCount, readDuration } from '../engine/option-readers.ts'
import { isLoopbackHost, proxyRangeProblem } from './address.ts'
import { isCookieDomain, type SameSite } from './cookies.ts'
import type { LiveSettings } from './live.ts'
import { type ConnectionOptions, connectionNames, readConnections } from './live-options.ts'
import type { CookieSettings } from './session-cookies.ts'

export type ClearSiteDataDirective = 'cache' | 'cookies' | 'storage' | 'executionContexts' | 'clientHints' | '*'

export interface HttpOptions {
  /** Our public origin, such as `https://app.example`. Default: the scheme and host of each request. */
  readonly url?: string
  /** Where the mounted routes live. Default `/auth`. */
  readonly basePath?: string
  /** Further origins whose pages may make requests that change something. Default none. */
  readonly origins?: readonly string[]
  /** Addresses and CIDR ranges of the proxies in front: only they are believed about client and scheme. Default none. */
  readonly trustProxy?: readonly string[]
  readonly cookies?: {
    /** Default `lax`. `none` lets other sites' pages send the cookie; the CSRF checks then stand alone. */
    readonly sameSite?: SameSite
    /** Shares the session with every host of this domain. Weaker: any of those hosts can read or replace it. */
    readonly domainShared?: string
    /** Keeps a separate cookie per embedding site (CHIPS). Default false. */
    readonly partitioned?: boolean
  }
  readonly csrf?: {
    /** Paths where the origin of a request is checked but no token demanded, such as the app's sign-in. */
    readonly originOnlyPaths?: readonly string[]
  }
  /** Allows sessions over plain http on any host: whoever shares the network can take them over. */
  readonly allowInsecureTransport?: true
  /** What else a browser is told to drop at sign-out. `cookies` also empties sibling hosts; `cache` can stall it. */
  readonly clearSiteData?: readonly ClearSiteDataDirective[]
  /** Open streams (SSE) and sockets (WebSocket). */
  readonly connections?: ConnectionOptions
  /** Anonymous sessions that one source (IPv4 /32, IPv6 /64) may start per minute. Default 10. */
  readonly anonymousPerMinute?: number
  /**
   * Anonymous sessions that all sources together may start per minute. With the idle limit and the sweep it bounds how
   * many there can be that nobody uses: a flood from many sources must not take the room of those who sign in. Default 6000.
   */
  readonly allAnonymousPerMinute?: number
  /** Sign-ins of one source per minute: attempts, and sessions that it may start. Default 120. */
  readonly signInsPerMinute?: number
  /** What `attempt` allows before it locks. */
  readonly lockout?: {
    /** Failed sign-ins of one name from one source, or from one known device of the account. Default 10. */
    readonly failures?: number
    /** Within this much time. Default 15 min. */
    readonly window?: Duration
    /** How long they lock that name for that source, or that device. Default 15 min. */
    readonly lock?: Duration
    /** Failures in a row, from wherever, after which an account opens to known devices only. Default 100, and at most. */
    readonly ceiling?: number
  }
  /** Refreshes of one source per minute. Default 600. */
  readonly refreshesPerMinute?: number
  /** Tokens that nobody here issued, of one source per minute and node; beyond them it is told 429. Default 120. */
  readonly failedTokensPerMinute?: number
}

const budgetDefaults = {
  anonymousPerMinute: 10,
  allAnonymousPerMinute: 6000,
  signInsPerMinute: 120,
  refreshesPerMinute: 600,
  failedTokensPerMinute: 120,
} as const
type BudgetName = keyof typeof budgetDefaults

export interface HttpSettings {
  readonly origin: string | undefined
  readonly basePath: string
  readonly origins: ReadonlySet<string>
  readonly trustProxy: readonly string[]
  readonly cookies: CookieSettings
  readonly originOnlyPaths: ReadonlySet<string>
  readonly allowInsecureTransport: boolean
  /** Value of the `Clear-Site-Data` header; null for none. */
  readonly clearSiteData: string | null
  readonly perMinute: Readonly<Record<BudgetName, number>>
  readonly connections: LiveSettings
  readonly lockout: LockoutRule
}

/** Option names of this layer, for a check of the whole object. */
export const httpOptionNames: readonly (keyof HttpOptions)[] = [
  'url',
  'basePath',
  'origins',
  'trustProxy',
  'cookies',
  'csrf',
  'allowInsecureTransport',
  'clearSiteData',
  'connections',
  'anonymousPerMinute',
  'allAnonymousPerMinute',
  'signInsPerMinute',
  'lockout',
  'refreshesPerMinute',
  'failedTokensPerMinute',
]

const nestedNames: Readonly<Record<'cookies' | 'csrf' | 'connections' | 'lockout', readonly string[]>> = {
  lockout: ['failures', 'window', 'lock', 'ceiling'],
  cookies: ['sameSite', 'domainShared', 'partitioned'],
  csrf: ['originOnlyPaths'],
  connections: connectionNames,
}
const sameSites: readonly SameSite[] = ['lax', 'strict', 'none']
const directives: readonly ClearSiteDataDirective[] = ['cache', 'cookies', 'storage', 'executionContexts', 'clientHints', '*']
const basePathSpelling = /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$/

function readList(value: unknown, field: string, problemOf: (item: string) => string | undefined, report: Report): string[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) {
    report({ field, message: 'must be a list' })
    return []
  }
  return value.map(String).filter((item, at) => {
    const message = typeof value[at] === 'string' ? problemOf(item) : 'must be text'
    if (message !== undefined) report({ field: `${field}[${at}]`, message })
    return message === undefined
  })
}

function originProblem(text: string): string | undefined {
  return parseOrigin(text) === undefined
    ? 'must be an origin: scheme, host and, where it is not the default, port; lower case, no path'
    : undefined
}

function readUrl(value: unknown, allowInsecure: boolean, report: Report): string | undefined {
  if (value === undefined) return undefined
  const origin = typeof value === 'string' ? parseOrigin(value) : undefined
  if (origin === undefined || !/^https?:/.test(origin)) {
    report({ field: 'url', message: 'must be an http or https origin, such as https://app.example' })
    return undefined
  }
  if (origin.startsWith('http:') && !isLoopbackHost(new URL(origin).host) && !allowInsecure) {
    report({ field: 'url', message: 'is plain http on a host other than loopback; that needs allowInsecureTransport' })
  }
  return origin
}

function readPath(value: unknown, report: Report): string {
  if (value === undefined) return '/auth'
  if (typeof value === 'string' && basePathSpelling.test(value)) return value
  report({ field: 'basePath', message: 'must be a path such as /auth, without a slash at its end' })
  return '/auth'
}

function readFlag(value: unknown, field: string, report: Report): boolean {
  if (value !== undefined && typeof value !== 'boolean') report({ field, message: 'must be true or false' })
  return value === true
}

function readCookies(given: HttpOptions['cookies'], url: string | undefined, insecure: boolean, report: Report): CookieSettings {
  const sameSite = given?.sameSite ?? 'lax'
  const domainShared = given?.domainShared ?? null
  if (!sameSites.includes(sameSite)) report({ field: 'cookies.sameSite', message: 'must be one of lax, strict, none' })
  if (sameSite === 'none' && (insecure || url?.startsWith('http:') === true)) {
    report({ field: 'cookies.sameSite', message: 'none needs secure transport: browsers drop the cookie otherwise' })
  }
  if (domainShared !== null && (typeof domainShared !== 'string' || !isCookieDomain(domainShared))) {
    report({ field: 'cookies.domainShared', message: 'must be a domain such as example.com, without a leading dot' })
  }
  if (typeof domainShared === 'string' && url !== undefined && !belongsTo(new URL(url).hostname, domainShared)) {
    report({ field: 'cookies.domainShared', message: 'must be the domain of url or one above it' })
  }
  const partitioned = readFlag(given?.partitioned, 'cookies.partitioned', report)
  return { sameSite, domainShared, partitioned }
}

function belongsTo(host: string, domain: string): boolean {
  return host === domain.toLowerCase() || host.endsWith(`.${domain.toLowerCase()}`)
}

/** NIST SP 800-63B-4 3.2.2 allows no more failures in a row. */
const highestCeiling = 100
const longestLock = 24 * 3_600_000

function readLockout(given: HttpOptions['lockout'], report: Report): LockoutRule {
  const duration = { default: 15 * 60_000, min: 1000, max: longestLock }
  const ceiling = readCount(given?.ceiling, 'lockout.ceiling', { default: highestCeiling, min: 1, max: highestCeiling }, report)
  const failures = readCount(given?.failures, 'lockout.failures', { default: 10, min: 1, max: highestCeiling }, report)
  if (failures > ceiling) report({ field: 'lockout', message: `failures (${failures}) must not exceed ceiling (${ceiling})` })
  return {
    failures,
    windowMs: readDuration(given?.window, 'lockout.window', duration, report),
    lockMs: readDuration(given?.lock, 'lockout.lock', duration, report),
    ceiling,
  }
}

function readBudget(options: HttpOptions, field: BudgetName, report: Report): number {
  const value: unknown = options[field]
  if (value === undefined) return budgetDefaults[field]
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 100_000) return value
  report({ field, message: 'must be a whole number from 1 to 100000' })
  return budgetDefaults[field]
}

function reportUnknownNested(options: HttpOptions, report: Report): void {
  for (const group of ['cookies', 'csrf', 'connections', 'lockout'] as const) {
    checkGroup(options[group], group, nestedNames[group], report)
  }
}

/** Reads the options, reporting every problem; with problems reported the result must not be used. */
export function parseHttpOptions(options: HttpOptions, report: Report): HttpSettings {
  reportUnknownNested(options, report)
  const insecure = readFlag(options.allowInsecureTransport, 'allowInsecureTransport', report)
  const origin = readUrl(options.url, insecure, report)
  const pathProblem = (path: string) => (path.startsWith('/') ? undefined : 'must be a path starting with /')
  const directiveProblem = (name: string) =>
    directives.some((known) => known === name) ? undefined : `must be one of ${directives.join(', ')}`
  const clear = readList(options.clearSiteData, 'clearSiteData', directiveProblem, report)
  return Object.freeze({
    origin,
    basePath: readPath(options.basePath, report),
    origins: new Set(readList(options.origins, 'origins', originProblem, report)),
    trustProxy: readList(options.trustProxy, 'trustProxy', proxyRangeProblem, report),
    cookies: readCookies(options.cookies, origin, insecure, report),
    originOnlyPaths: new Set(readList(options.csrf?.originOnlyPaths, 'csrf.originOnlyPaths', pathProblem, report)),
    allowInsecureTransport: insecure,
    clearSiteData: clear.length === 0 ? null : clear.map((name) => `"${name}"`).join(', '),
    lockout: readLockout(options.lockout, report),
    perMinute: {
      anonymousPerMinute: readBudget(options, 'anonymousPerMinute', report),
      allAnonymousPerMinute: readBudget(options, 'allAnonymousPerMinute', report),
      signInsPerMinute: readBudget(options, 'signInsPerMinute', report),
      refreshesPerMinute: readBudget(options, 'refreshesPerMinute', report),
      failedTokensPerMinute: readBudget(options, 'failedTokensPerMinute', report),
    },
    connections: readConnections(options.connections, report),
  })
}
