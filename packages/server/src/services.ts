/** Everything that requests and commands share, opened from a configuration and closed in reverse. */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Clock, createHoldfast, type Holdfast, type HoldfastOptions } from 'holdfast'
import { type ApiKeys, createApiKeys } from 'holdfast/defence/api-keys'
import type { EventTrail } from 'holdfast/defence/event-trail'
import { activeAccount } from './accounts/look-up.ts'
import type { AccountStore } from './accounts/store.ts'
import { type OpenedKeys, openKeys } from './backends/keys.ts'
import type { OpenedStore } from './backends/place.ts'
import { accountsPlace, sessionsPlace } from './backends/places.ts'
import { type Now, systemNow } from './clock.ts'
import { type Config, publicOrigin } from './config/config.ts'
import { secretsOf } from './config/secret.ts'
import type { EventFeed } from './event-feed.ts'
import { type EventLog, type OpenedTrail, openTrail } from './events.ts'
import { backgroundFaults, createFaultLog, type OnFault } from './fault-log.ts'
import { originOnlyPaths } from './http/source.ts'
import type { Logger } from './logging.ts'
import { createMetrics, type Metrics } from './metrics/metrics.ts'
import { createPasswordHasher, type PasswordHasher, type PasswordHasherOptions } from './passwords/hash.ts'
import { logEvent, type SecurityLog } from './security-log.ts'
import { createSetup, type Setup } from './setup.ts'
import { sweepApiKeys } from './sweeps.ts'
import { createWebhook, type Webhook } from './webhook/webhook.ts'

export interface Services {
  readonly config: Config
  readonly logger: Logger
  readonly holdfast: Holdfast
  readonly accounts: AccountStore
  readonly apiKeys: ApiKeys
  readonly passwords: PasswordHasher
  readonly setup: Setup
  /** Tells a security event of the server's own. */
  readonly securityLog: SecurityLog
  /** Where every security event goes beside the log, and where it can be read. */
  readonly events: EventTrail
  readonly eventLog: EventLog
  readonly eventFeed: EventFeed
  readonly metrics: Metrics
  /** Posts events once it is started, which commands do not. */
  readonly webhook: Webhook
  readonly now: Now
  isStopping(): boolean
  /** From here on `/readyz` answers 503. */
  beginStopping(): void
  /** Flushes the engine and closes the stores. */
  close(): Promise<void>
}

export interface ServiceOverrides {
  /** Cheaper hashing, for tests. */
  readonly passwords?: PasswordHasherOptions | PasswordHasher
  /** Of the engine and of the accounts. */
  readonly clock?: Clock
  /** In place of the configured session store; closed with the server. */
  readonly store?: HoldfastOptions['store']
  /** Put before the store of API keys. */
  readonly apiKeyStore?: (store: OpenedKeys['store']) => OpenedKeys['store']
  /** Default true. What a command does is in the trail; its output is its answer. */
  readonly logsEvents?: boolean
  /** How long a stop waits for requests under way, in ms. Default 10 s. */
  readonly drainLimitMs?: number
  /** Engine options that have no variable. */
  readonly engine?: Partial<
    Pick<
      HoldfastOptions,
      | 'elevation'
      | 'failedTokensPerMinute'
      | 'jwt'
      | 'limits'
      | 'lockout'
      | 'maxStaleness'
      | 'random'
      | 'refreshesPerMinute'
      | 'sessionsPerSubject'
      | 'signInsPerMinute'
    >
  >
}

/** The server makes its own folder, and no other. */
export function prepareDataFolder({ dataFolder, secret, store, accounts }: Config): void {
  const paths = [secret, store, accounts].flatMap((place) => ('path' in place ? [place.path] : []))
  if (paths.some((path) => dirname(path) === dataFolder)) mkdirSync(dataFolder, { recursive: true, mode: 0o700 })
}

/** How Holdfast itself is set up by a configuration. */
export function holdfastOptions(config: Config): Omit<HoldfastOptions, 'secret' | 'store'> {
  return {
    ...(config.url === undefined ? {} : { url: config.url.origin }),
    jwt: { issuer: publicOrigin(config) },
    origins: config.origins,
    trustProxy: config.trustedProxies,
    cookies: { sameSite: 'strict' },
    csrf: { originOnlyPaths },
    ...(config.shadow === undefined ? {} : { shadow: config.shadow }),
  }
}

function hasherOf(given: ServiceOverrides['passwords']): PasswordHasher {
  return given !== undefined && 'verify' in given ? given : createPasswordHasher(given)
}

/** A store that was given is closed like one that was opened. */
function given(store: HoldfastOptions['store']): OpenedStore {
  return { store, close: async () => store[Symbol.asyncDispose]?.() }
}

/** Opens the stores, making what is missing. Throws when one cannot be used; what was opened is closed then. */
export async function openServices(config: Config, logger: Logger, overrides: ServiceOverrides = {}): Promise<Services> {
  const { clock } = overrides
  const now: Now = clock === undefined ? systemNow : () => clock.now()
  const tell = createFaultLog(logger)
  const onFault = backgroundFaults(logger)
  prepareDataFolder(config)
  const secret = secretsOf(config.secret)
  const sessions = overrides.store === undefined ? await sessionsPlace(config).open(tell) : given(overrides.store)
  let accounts: AccountStore | undefined
  let keys: OpenedKeys | undefined
  try {
    accounts = await accountsPlace(config).open(tell)
    keys = await openKeys(config, tell)
    const holdfast = createHoldfast({
      ...holdfastOptions(config),
      ...overrides.engine,
      ...(clock === undefined ? {} : { clock }),
      secret,
      store: sessions.store,
      onFault,
    })
    const trail = openTrail({ log: keys.eventLog, secret, clock, onFault })
    holdfast.on((event) => {
      if (overrides.logsEvents !== false) logEvent(logger, event)
      trail.trail.record(event)
    })
    const before = overrides.apiKeyStore ?? ((store) => store)
    const apiKeys = apiKeysOf(before(keys.store), { config, secret, accounts, onFault, clock, holdfast })
    return assemble({
      config,
      logger,
      holdfast,
      accounts,
      apiKeys,
      now,
      passwords: hasherOf(overrides.passwords),
      sessions,
      keys,
      trail,
      clock,
      onFault,
    })
  } catch (fault) {
    await keys?.close()
    await accounts?.close()
    await sessions.close()
    throw fault
  }
}

interface KeyParts {
  readonly config: Config
  readonly secret: string | readonly string[]
  readonly accounts: AccountStore
  readonly onFault: OnFault
  readonly clock: Clock | undefined
  readonly holdfast: Holdfast
}

/** A key dies with its account at once: whether that may act is asked at each use. */
function apiKeysOf(store: OpenedKeys['store'], { config, secret, accounts, onFault, clock, holdfast }: KeyParts): ApiKeys {
  const apiKeys = createApiKeys({
    store,
    secret,
    acceptImported: config.importedKeys,
    ...(clock === undefined ? {} : { clock }),
    isOwnerActive: async (owner) => (await activeAccount(accounts, owner)) !== undefined,
    onFault,
  })
  // One bus for all: whoever listens to the sessions hears of the keys too.
  apiKeys.on((event) => holdfast.emit(event))
  return apiKeys
}

interface Opened extends Pick<Services, 'config' | 'logger' | 'holdfast' | 'accounts' | 'apiKeys' | 'now' | 'passwords'> {
  readonly keys: OpenedKeys
  readonly sessions: OpenedStore
  readonly trail: OpenedTrail
  readonly clock: Clock | undefined
  readonly onFault: OnFault
}

function assemble({ sessions, keys, trail, clock, onFault, ...opened }: Opened): Services {
  const { config, holdfast, accounts, now } = opened
  let stopping = false
  const webhook = createWebhook({
    setting: config.webhook,
    cursors: accounts.cursors,
    log: keys.eventLog,
    clock,
    now,
    tell: (event) => holdfast.emit(event),
    onFault,
  })
  const stopSweeping = sweepApiKeys(opened.apiKeys, clock, onFault)
  return {
    ...opened,
    setup: createSetup(accounts, now, config.setupToken),
    securityLog: (event) => holdfast.emit(event),
    events: trail.trail,
    eventLog: keys.eventLog,
    eventFeed: trail.feed,
    metrics: createMetrics({ holdfast, passwords: opened.passwords, trail: trail.trail, webhook }),
    webhook,
    isStopping: () => stopping,
    beginStopping: () => {
      stopping = true
      // Streams would be waited for like any request under way, and they do not end by themselves.
      trail.feed.close()
    },
    async close() {
      stopping = true
      stopSweeping()
      try {
        await webhook.stop()
        await holdfast.close()
      } finally {
        await trail.close()
        await keys.close()
        await accounts.close()
        await sessions.close()
      }
    },
  }
}
