/** Configuration: read from the environment and `.env`, checked as a whole, with every problem at once. */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { secretProblem } from 'holdfast'
import type { AccountsBackend, Backend, TlsSetting } from './backend.ts'
import { contradictions, type Given, type Problem } from './consistency.ts'
import { type Environment, readEnvFile } from './env-file.ts'
import { misspelt } from './misspelt.ts'
import type { LogSetting } from './parse.ts'
import type { ShadowSetting } from './shadow.ts'
import { type SettingName, type Settings, unsupported, variables } from './variables.ts'
import { everyEvent, type WebhookSetting } from './webhook.ts'

/** Where the secret comes from: given, or made on the first run and kept in a file. */
export type SecretSource =
  | { readonly kind: 'given'; readonly secrets: readonly string[] }
  | { readonly kind: 'development'; readonly path: string }

export interface Config {
  /** Public origin; undefined when none is set: then a request's own loopback host counts. */
  readonly url: URL | undefined
  readonly host: string
  readonly port: number
  readonly secret: SecretSource
  readonly setupToken: string | undefined
  readonly store: Backend
  readonly accounts: AccountsBackend
  readonly trustedProxies: readonly string[]
  readonly origins: readonly string[]
  readonly webhook: WebhookSetting | undefined
  readonly log: LogSetting
  /** How long a server that was told to stop goes on serving, in ms. */
  readonly drainMs: number
  /** Whether API keys that were made elsewhere are taken. */
  readonly importedKeys: boolean
  /** Stricter policies that are tried, and told of. */
  readonly shadow: ShadowSetting | undefined
  readonly production: boolean
  /** Folder that the server makes itself when it is missing; every other folder must exist. */
  readonly dataFolder: string
}

/** Where clients find the server, as its tokens name it: stable over restarts, whatever a request says. */
export function publicOrigin({ url, host, port }: Pick<Config, 'url' | 'host' | 'port'>): string {
  return url?.origin ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

export type ConfigResult =
  | { readonly config: Config; readonly problems?: undefined }
  | { readonly config?: undefined; readonly problems: readonly Problem[] }

interface Reading extends Given {
  readonly settings: { -readonly [K in SettingName]?: Settings[K] }
  readonly present: Set<SettingName>
  readonly problems: Problem[]
}

/** Reads one variable. An empty one is not set: compose files pass those through. */
function readVariable<K extends SettingName>(key: K, environment: Environment, reading: Reading): void {
  const { name, parse } = variables[key]
  const given = environment[name]
  if (given === undefined || given === '') return
  reading.present.add(key)
  const parsed = parse(given)
  if (parsed.ok) reading.settings[key] = parsed.value
  else reading.problems.push({ variable: name, message: parsed.problem })
}

function readAll(environment: Environment): Reading {
  const reading: Reading = { settings: {}, present: new Set(), production: environment.NODE_ENV === 'production', problems: [] }
  for (const key of Object.keys(variables) as SettingName[]) readVariable(key, environment, reading)
  for (const name of unsupported) {
    if ((environment[name] ?? '') !== '')
      reading.problems.push({ variable: name, message: 'is not supported by this version: unset it' })
  }
  reading.problems.push(...contradictions(reading))
  return reading
}

function checkSecrets(variable: string, content: string, problems: Problem[]): readonly string[] {
  const secrets = content
    .trim()
    .split(',')
    .map((secret) => secret.trim())
  secrets.forEach((secret, at) => {
    const message = secretProblem(secret)
    if (message !== undefined) problems.push({ variable, message: secrets.length === 1 ? message : `entry ${at + 1} ${message}` })
  })
  if (new Set(secrets).size !== secrets.length) problems.push({ variable, message: 'lists the same secret twice' })
  return secrets
}

/** One line about why a file cannot be used, without Node's decoration. */
export function fileProblem(fault: unknown): string {
  const code = fault instanceof Error && 'code' in fault ? String(fault.code) : ''
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'does not exist',
    EACCES: 'may not be read or written',
    EPERM: 'may not be read or written',
    EISDIR: 'is a folder',
    ENOTDIR: 'has a file where a folder should be',
    EROFS: 'is on a read-only file system',
    ENOSPC: 'has no room left on its disk',
  }
  return known[code] ?? (code === '' ? 'cannot be used' : `cannot be used (${code})`)
}

function readSecret({ settings, problems }: Reading, folder: string): SecretSource {
  if (settings.secret !== undefined) {
    return { kind: 'given', secrets: checkSecrets(variables.secret.name, settings.secret, problems) }
  }
  if (settings.secretFile === undefined) return { kind: 'development', path: join(folder, 'data', 'secret') }
  const path = resolve(folder, settings.secretFile)
  const variable = variables.secretFile.name
  try {
    return { kind: 'given', secrets: checkSecrets(variable, readFileSync(path, 'utf8'), problems) }
  } catch (fault) {
    problems.push({ variable, message: `${path} ${fileProblem(fault)}` })
    return { kind: 'given', secrets: [] }
  }
}

function filesIn(tls: TlsSetting | undefined, folder: string): TlsSetting | undefined {
  const at = (path: string | undefined) => (path === undefined ? undefined : resolve(folder, path))
  return tls === undefined ? undefined : { verify: tls.verify, ca: at(tls.ca), cert: at(tls.cert), key: at(tls.key) }
}

function inFolder<B extends Backend>(backend: B, folder: string): B {
  if (backend.kind === 'sqlite') return { ...backend, path: resolve(folder, backend.path) }
  return backend.kind === 'memory' ? backend : { ...backend, tls: filesIn(backend.tls, folder) }
}

function accountsFor(store: Backend, accounts: AccountsBackend | undefined): AccountsBackend {
  if (accounts !== undefined) return accounts
  return store.kind === 'sqlite' || store.kind === 'postgres' ? store : { kind: 'sqlite', path: 'data/accounts.db' }
}

function webhookOf({
  webhookUrl,
  webhookSecrets = [],
  webhookEvents = everyEvent,
}: Partial<Settings>): WebhookSetting | undefined {
  return webhookUrl === undefined ? undefined : { url: webhookUrl.href, secrets: webhookSecrets, events: webhookEvents }
}

/** Reads the configuration for a server whose working folder is `folder`. Creates nothing. */
export function readConfig(environment: Environment, folder: string): ConfigResult {
  let file: Environment
  try {
    file = readEnvFile(folder)
  } catch (fault) {
    return { problems: [{ variable: '.env', message: `${join(folder, '.env')} ${fileProblem(fault)}` }] }
  }
  // The environment wins.
  const reading = readAll({ ...file, ...environment })
  const { settings, problems } = reading
  problems.push(...misspelt(environment, file))
  const secret = readSecret(reading, folder)
  if (problems.length > 0) return { problems }
  const store: Backend = settings.store ?? { kind: 'sqlite', path: 'data/holdfast.db' }
  return {
    config: {
      url: settings.url,
      host: settings.host ?? '127.0.0.1',
      port: settings.port ?? 8787,
      secret,
      setupToken: settings.setupToken,
      store: inFolder(store, folder),
      accounts: inFolder(accountsFor(store, settings.accounts), folder),
      trustedProxies: settings.trustedProxies ?? [],
      origins: settings.origins ?? [],
      webhook: webhookOf(settings),
      log: settings.log ?? { format: undefined, level: 'info' },
      drainMs: settings.drain ?? 0,
      importedKeys: settings.importedKeys ?? false,
      shadow: settings.shadow,
      production: reading.production,
      dataFolder: join(folder, 'data'),
    },
  }
}

/** The one message that a refused configuration gets. */
export function describeProblems(problems: readonly Problem[]): string {
  return ['holdfast-server cannot start:', ...problems.map(({ variable, message }) => `  ${variable}: ${message}`)].join('\n')
}
