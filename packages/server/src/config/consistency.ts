/** Rules between settings: each is one way in which two of them contradict. */
import { isLoopback, trustsLoopback } from './parse.ts'
import { type SettingName, type Settings, variables } from './variables.ts'

export interface Problem {
  readonly variable: string
  readonly message: string
}

export interface Given {
  readonly settings: Partial<Settings>
  /** Names that were set, whether or not what they say could be read. */
  readonly present: ReadonlySet<SettingName>
  readonly production: boolean
}

interface Rule {
  readonly about: SettingName
  readonly broken: (given: Given) => boolean
  readonly message: string
}

const rules: readonly Rule[] = [
  {
    about: 'secretFile',
    broken: ({ present }) => present.has('secret') && present.has('secretFile'),
    message: 'must not be set beside HOLDFAST_SECRET: set one of them',
  },
  {
    about: 'secret',
    broken: ({ present, production }) => production && !present.has('secret') && !present.has('secretFile'),
    message: 'is required when NODE_ENV is production (or HOLDFAST_SECRET_FILE): `holdfast-server keygen` makes one',
  },
  {
    about: 'url',
    broken: ({ settings: { url, host }, present }) =>
      host !== undefined && !isLoopback(host) && (url === undefined ? !present.has('url') : url.protocol === 'http:'),
    message: 'must be a public https origin when HOST is not loopback',
  },
  {
    about: 'trustedProxies',
    broken: ({ settings: { url }, present }) => url?.protocol === 'https:' && !present.has('trustedProxies'),
    message: 'must name the proxy that ends TLS when HOLDFAST_URL is https: the server itself speaks plain http',
  },
  {
    about: 'webhookSecrets',
    broken: ({ present }) => present.has('webhookUrl') && !present.has('webhookSecrets'),
    message: 'is required with HOLDFAST_WEBHOOK_URL: a receiver could not tell our events from forged ones',
  },
  {
    about: 'webhookUrl',
    broken: ({ present }) => !present.has('webhookUrl') && (present.has('webhookSecrets') || present.has('webhookEvents')),
    message: 'is required with HOLDFAST_WEBHOOK_SECRET and HOLDFAST_WEBHOOK_EVENTS: nothing would be posted',
  },
  {
    about: 'trustedProxies',
    // Whoever can connect is on this machine: a list without it makes every client one address, with one budget.
    broken: ({ settings: { url, host = '127.0.0.1', trustedProxies } }) =>
      url?.protocol === 'https:' && isLoopback(host) && trustedProxies !== undefined && !trustsLoopback(trustedProxies),
    message: 'must name 127.0.0.1 or ::1 when HOST is loopback: the proxy connects from this machine',
  },
  {
    about: 'store',
    broken: ({ settings: { store }, production }) => production && store?.kind === 'memory',
    message: 'must not be memory: when NODE_ENV is production: every restart would end every session',
  },
]

export function contradictions(given: Given): Problem[] {
  return rules
    .filter((rule) => rule.broken(given))
    .map((rule) => ({ variable: variables[rule.about].name, message: rule.message }))
}
