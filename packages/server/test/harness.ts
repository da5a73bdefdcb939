/** A server in this process, on a free port, in a folder of its own, with cheap hashing. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import type { Clock } from 'holdfast'
import type { Config } from '../src/config/config.ts'
import { createLogger } from '../src/logging.ts'
import type { HashCost } from '../src/passwords/hash.ts'
import { type RunningServer, startServer } from '../src/server.ts'
import type { ServiceOverrides } from '../src/services.ts'
import { Client } from './client.ts'

export const testSecret = 'k3Jv9QxZ-b7Rt2Yw_M5nH8sLd0Fg4PcUaVeXiBoTjK1'
export const setupToken = 'setup-Zq81-kf02-Lm77'
export const cheap: HashCost = { memory: 64, passes: 1, lanes: 1 }
export const goodPassword = 'tall giraffes read quietly'
export const otherPassword = 'seven quiet lamps glow'

/** A clock that stands until it is moved by hand; nothing it is asked to wait for happens. */
export function movableClock(): Clock & { advance(ms: number): void } {
  let time = Date.UTC(2026, 10, 21, 9)
  return {
    now: () => time,
    after: () => () => {},
    advance(ms) {
      time += ms
    },
  }
}

export async function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'holdfast-server-'))
}

/** Where a test server keeps everything, unless it is told otherwise. */
export function databaseIn(folder: string): string {
  return join(folder, 'holdfast.db')
}

export function configIn(folder: string, changes: Partial<Config> = {}): Config {
  const path = databaseIn(folder)
  return {
    url: undefined,
    host: '127.0.0.1',
    port: 0,
    secret: { kind: 'given', secrets: [testSecret] },
    setupToken,
    store: { kind: 'sqlite', path },
    accounts: { kind: 'sqlite', path },
    trustedProxies: [],
    origins: [],
    webhook: undefined,
    log: { format: 'json', level: 'debug' },
    drainMs: 0,
    importedKeys: false,
    shadow: undefined,
    production: false,
    dataFolder: join(folder, 'data'),
    ...changes,
  }
}

/** Collects what is logged. */
export function logSink(): { readonly stream: Writable; text(): string; lines(): Record<string, unknown>[] } {
  const chunks: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk))
      done()
    },
  })
  const text = () => chunks.join('')
  return {
    stream,
    text,
    lines: () =>
      text()
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line)),
  }
}

export interface TestServer extends RunningServer {
  readonly folder: string
  readonly config: Config
  readonly log: ReturnType<typeof logSink>
  client(): Client
  /** A client signed in as the first administrator, `root`. */
  administrator(): Promise<Client>
  /** A new account and a client signed in as it. */
  user(username: string): Promise<{ readonly client: Client; readonly id: string }>
  [Symbol.asyncDispose](): Promise<void>
}

export interface TestServerOptions {
  readonly config?: Partial<Config>
  readonly overrides?: ServiceOverrides
  /** An existing folder, kept afterwards. */
  readonly folder?: string
}

export async function testServer({ config: changes, overrides, folder: given }: TestServerOptions = {}): Promise<TestServer> {
  const folder = given ?? (await temporaryFolder())
  const config = configIn(folder, changes)
  const log = logSink()
  const running = await startServer(config, createLogger(config.log, log.stream), { passwords: { cost: cheap }, ...overrides })
  const client = () => new Client(running.address)
  const administrator = async () => {
    const root = client()
    await root.post('/auth/setup', { token: setupToken, username: 'root', password: goodPassword })
    await root.signIn('root', goodPassword)
    return root
  }
  return {
    ...running,
    folder,
    config,
    log,
    client,
    administrator,
    async user(username) {
      const admin = await administrator()
      const created = await admin.post('/admin/users', { username, password: goodPassword })
      const user = client()
      await user.signIn(username, goodPassword)
      return { client: user, id: created.json.user.id }
    },
    async [Symbol.asyncDispose]() {
      await running.stop()
      if (given === undefined) await rm(folder, { recursive: true, force: true })
    },
  }
}
