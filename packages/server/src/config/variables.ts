/**
 * Every environment variable, once: this table reads them, writes `.env.example` and `init`'s file, and is what
 * the documentation lists.
 */
import { type AccountsBackend, accountStore, type Backend, store } from './backend.ts'
import {
  drain,
  host,
  importedKeys,
  type LogSetting,
  log,
  networks,
  origin,
  origins,
  type Parser,
  port,
  setupToken,
  text,
} from './parse.ts'
import { type ShadowSetting, shadow } from './shadow.ts'
import { webhookEvents, webhookSecrets, webhookUrl } from './webhook.ts'

export interface Variable<T> {
  readonly name: string
  /** Lines for a person, without a trailing full stop. */
  readonly meaning: readonly string[]
  /** What holds when it is not set, in words or as the value. */
  readonly fallback: string
  /** Shown, commented out, in `.env.example`. */
  readonly example: string
  readonly parse: Parser<T>
}

export interface Settings {
  readonly url: URL
  readonly host: string
  readonly port: number
  readonly secret: string
  readonly secretFile: string
  readonly setupToken: string
  readonly store: Backend
  readonly accounts: AccountsBackend
  readonly trustedProxies: readonly string[]
  readonly origins: readonly string[]
  /** Whether API keys that were made elsewhere are taken. */
  readonly importedKeys: boolean
  readonly shadow: ShadowSetting
  readonly webhookUrl: URL
  readonly webhookSecrets: readonly Buffer[]
  readonly webhookEvents: ReadonlySet<string>
  readonly log: LogSetting
  /** In ms. */
  readonly drain: number
}

export type SettingName = keyof Settings

export const variables: { readonly [K in SettingName]: Variable<Settings[K]> } = {
  url: {
    name: 'HOLDFAST_URL',
    meaning: ['Public origin, as browsers see it', 'Must be https unless it is loopback'],
    fallback: 'http://127.0.0.1:8787 (HOST and PORT)',
    example: 'https://auth.example.com',
    parse: origin,
  },
  host: { name: 'HOST', meaning: ['Address to listen on'], fallback: '127.0.0.1', example: '127.0.0.1', parse: host },
  port: {
    name: 'PORT',
    meaning: ['Port to listen on, 0 to 65535; 0 takes a free one'],
    fallback: '8787',
    example: '8787',
    parse: port,
  },
  secret: {
    name: 'HOLDFAST_SECRET',
    meaning: [
      'Signing secret, at least 32 characters: `holdfast-server keygen` makes one',
      'Several, newest first, separated by commas: the first signs, all verify',
      'Required when NODE_ENV is production',
    ],
    fallback: 'made on first run in data/secret, outside production',
    example: '(output of holdfast-server keygen)',
    parse: text,
  },
  secretFile: {
    name: 'HOLDFAST_SECRET_FILE',
    meaning: ['File that holds the signing secret(s), instead of HOLDFAST_SECRET'],
    fallback: 'none',
    example: '/run/secrets/holdfast',
    parse: text,
  },
  setupToken: {
    name: 'HOLDFAST_SETUP_TOKEN',
    meaning: ['Fixes the one-time set-up token, for automation: 16 to 128 characters'],
    fallback: 'random, printed at start while there is no administrator',
    example: '(a random text)',
    parse: setupToken,
  },
  store: {
    name: 'HOLDFAST_STORE',
    meaning: [
      'Where sessions live: sqlite:PATH, or memory: to forget them at exit',
      'For several nodes: postgres://USER:PASSWORD@HOST/DATABASE, redis://USER:PASSWORD@HOST:PORT',
      'Also redis+cluster://HOST:PORT,HOST:PORT and redis+sentinel://HOST:PORT,HOST:PORT/NAME, and rediss for TLS',
    ],
    fallback: 'sqlite:data/holdfast.db',
    example: 'sqlite:data/holdfast.db',
    parse: store,
  },
  accounts: {
    name: 'HOLDFAST_ACCOUNTS',
    meaning: ['Where accounts live: sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE'],
    fallback: 'the same database as the sessions when that is SQL, else sqlite:data/accounts.db',
    example: 'sqlite:data/holdfast.db',
    parse: accountStore,
  },
  trustedProxies: {
    name: 'HOLDFAST_TRUSTED_PROXIES',
    meaning: ['Addresses or networks of reverse proxies whose X-Forwarded-* headers count, separated by commas'],
    fallback: 'none',
    example: '127.0.0.1,10.0.0.0/8',
    parse: networks,
  },
  origins: {
    name: 'HOLDFAST_ORIGINS',
    meaning: ['Further origins whose pages may send requests that change something, separated by commas'],
    fallback: 'none',
    example: 'https://app.example.com',
    parse: origins,
  },
  importedKeys: {
    name: 'HOLDFAST_IMPORTED_KEYS',
    meaning: [
      'accept lets administrators import API keys that were made elsewhere: 32 to 512 characters that are hard to guess',
      'What looks like one then costs a question to the database before it is refused; an own key is told by its tag',
    ],
    fallback: 'refuse',
    example: 'accept',
    parse: importedKeys,
  },
  shadow: {
    name: 'HOLDFAST_SHADOW',
    meaning: [
      'Stricter policies to try, separated by commas: what they would have done is told as session_policy_shadow, and not done',
      'fingerprint:revoke, and one of ip-change:step-up, ip-change:deny, ip-change:revoke',
    ],
    fallback: 'none',
    example: 'fingerprint:revoke,ip-change:step-up',
    parse: shadow,
  },
  webhookUrl: {
    name: 'HOLDFAST_WEBHOOK_URL',
    meaning: ['Where security events are posted to, signed; https unless the host is loopback'],
    fallback: 'none',
    example: 'https://hooks.example.com/holdfast',
    parse: webhookUrl,
  },
  webhookSecrets: {
    name: 'HOLDFAST_WEBHOOK_SECRET',
    meaning: [
      'What they are signed with: whsec_ and 24 to 64 random bytes in base64',
      'Several, newest first, separated by commas: each signs, so that a receiver can change over',
    ],
    fallback: 'none; required with HOLDFAST_WEBHOOK_URL',
    example: 'whsec_(output of openssl rand -base64 32)',
    parse: webhookSecrets,
  },
  webhookEvents: {
    name: 'HOLDFAST_WEBHOOK_EVENTS',
    meaning: ['Which kinds of event are posted, separated by commas; authn_* is every kind that begins so'],
    fallback: 'all',
    example: 'authn_login_lock,authn_token_reuse,user_*',
    parse: webhookEvents,
  },
  log: {
    name: 'HOLDFAST_LOG',
    meaning: ['pretty or json, a level, or both as json:debug'],
    fallback: 'pretty on a terminal, json elsewhere; level info',
    example: 'json:info',
    parse: log,
  },
  drain: {
    name: 'HOLDFAST_DRAIN',
    meaning: [
      'Seconds, 0 to 300, to go on serving after SIGTERM while /readyz answers 503',
      'As long as a load balancer needs to see that and send nothing more',
    ],
    fallback: '0',
    example: '10',
    parse: drain,
  },
}

/** Named in the documentation of later versions: refused, because ignoring one would leave an app unprotected. */
export const unsupported: readonly string[] = ['HOLDFAST_FORWARD_AUTH', 'HOLDFAST_APPS']
