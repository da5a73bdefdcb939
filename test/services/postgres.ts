/**
 * PostgreSQL servers for tests: each in a folder of its own, on a free port of the loopback, stopped by its process
 * id. On Debian and Ubuntu `apt-get install postgresql` brings all that is needed; `POSTGRES_BIN` names another folder.
 */
import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { endWithUs } from './orphans.ts'
import { freePorts } from './ports.ts'

const run = promisify(execFile)
const debianFolder = '/usr/lib/postgresql'

export const user = 'holdfast'
export const password = 'a password for tests'

/** The folder of the server's programs, the newest where there are several; undefined where there is none. */
export function postgresPrograms(): string | undefined {
  const named = process.env.POSTGRES_BIN
  if (named !== undefined) return named
  const versions = existsSync(debianFolder) ? readdirSync(debianFolder).sort((a, b) => Number(b) - Number(a)) : []
  const inPath = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'initdb'))
  const candidates = [...versions.map((version) => join(debianFolder, version, 'bin', 'initdb')), ...inPath]
  const found = candidates.find((path) => existsSync(path))
  return found === undefined ? undefined : dirname(realpathSync(found))
}

export interface PostgresServer {
  readonly port: number
  /** Options of a `pg` pool or client. */
  readonly connection: {
    readonly host: string
    readonly port: number
    readonly user: string
    readonly password: string
    readonly database: string
  }
  readonly pid: number | undefined
  start(): Promise<void>
  /** `fast` ends connections and writes everything; `kill` is a power failure as far as the server knows. */
  stop(how?: 'fast' | 'kill'): Promise<void>
  /** A running standby that follows this server. */
  standby(): Promise<PostgresServer>
  /** Makes a standby the primary. */
  promote(): Promise<void>
  /** Stops it and its standbys and removes their folders. */
  close(): Promise<void>
}

export type Settings = Readonly<Record<string, string>>

const usual: Settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '64MB',
  max_connections: '120',
  // What it says at start is of this rank; mistakes that tests make on purpose are below it.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
}

/** A new, empty server, running. Data is written to disk before a commit is answered, as it is by default. */
export async function startPostgres(settings: Settings = {}): Promise<PostgresServer> {
  const owner = ownerOfFiles()
  const folder = await makeFolder(owner)
  const passwordFile = join(folder, 'password')
  await writeFile(passwordFile, password)
  if (owner !== undefined) await chown(passwordFile, owner.uid, owner.gid)
  // The order of this locale is not that of bytes: whoever relies on that has to say so.
  const locale = ['--encoding=UTF8', '--locale-provider=icu', '--icu-locale=en-US', '--locale=C.UTF-8']
  const access = [`--username=${user}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256']
  await run(program('initdb'), ['--no-sync', ...locale, ...access, '--pgdata', join(folder, 'data')], { ...owner, cwd: folder })
  const server = new Server(folder, { ...usual, ...settings }, owner)
  await server.start()
  return server
}

class Server implements PostgresServer {
  readonly #folder: string
  readonly #settings: Settings
  readonly #owner: Owner | undefined
  readonly #standbys: Server[] = []
  #process: ChildProcess | undefined
  #port = 0

  constructor(folder: string, settings: Settings, owner: Owner | undefined) {
    this.#folder = folder
    this.#settings = settings
    this.#owner = owner
  }

  get port(): number {
    return this.#port
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  get connection(): PostgresServer['connection'] {
    return { host: '127.0.0.1', port: this.#port, user, password, database: 'postgres' }
  }

  async start(): Promise<void> {
    if (this.#port === 0) this.#port = (await freePorts(1))[0] ?? 0
    const settings = Object.entries({ ...this.#settings, port: String(this.#port) }).flatMap(([name, value]) => [
      '-c',
      `${name}=${value}`,
    ])
    const options: SpawnOptions = { ...this.#owner, cwd: this.#folder, stdio: ['ignore', 'ignore', 'pipe'] }
    const server = spawn(program('postgres'), ['-D', this.#data, ...settings], options)
    this.#process = server
    endWithUs(server, 'SIGQUIT')
    await isReady(server)
  }

  async stop(how: 'fast' | 'kill' = 'fast'): Promise<void> {
    const server = this.#process
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    const ended = new Promise((resolve) => server.once('exit', resolve))
    server.kill(how === 'fast' ? 'SIGINT' : 'SIGQUIT')
    await ended
  }

  async standby(): Promise<PostgresServer> {
    const folder = await makeFolder(this.#owner)
    const from = ['-h', '127.0.0.1', '-p', String(this.#port), '-U', user]
    const options = { ...this.#owner, cwd: folder, env: { ...process.env, PGPASSWORD: password } }
    const target = ['--pgdata', join(folder, 'data'), '--write-recovery-conf', '--checkpoint=fast', '--no-sync']
    await run(program('pg_basebackup'), [...from, ...target], options)
    const server = new Server(folder, this.#settings, this.#owner)
    this.#standbys.push(server)
    await server.start()
    return server
  }

  async promote(): Promise<void> {
    await run(program('pg_ctl'), ['promote', '--wait', '-D', this.#data], { ...this.#owner, cwd: this.#folder })
  }

  async close(): Promise<void> {
    for (const standby of this.#standbys) await standby.close()
    await this.stop('kill')
    await rm(this.#folder, { recursive: true, force: true })
  }

  get #data(): string {
    return join(this.#folder, 'data')
  }
}

const readiness = /ready to accept (?:read-only )?connections/

/** The server says so itself; nothing has to wait and ask. */
function isReady(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = ''
    server.stderr?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4000)
      if (readiness.test(said)) resolve()
    })
    server.once('error', reject)
    server.once('exit', () => reject(new Error(`PostgreSQL did not start: ${said}`)))
  })
}

export type Owner = { readonly uid: number; readonly gid: number }

/** PostgreSQL does not run as root: another user then owns its files and its process. */
export function ownerOfFiles(): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  const found = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody')
  if (found === undefined) throw new Error('PostgreSQL does not run as root, and there is no user postgres or nobody')
  return { uid: Number(found[2]), gid: Number(found[3]) }
}

async function makeFolder(owner: Owner | undefined): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-postgres-'))
  await mkdir(join(folder, 'data'), { mode: 0o700 })
  if (owner === undefined) return folder
  for (const each of [folder, join(folder, 'data')]) await chown(each, owner.uid, owner.gid)
  return folder
}

function program(name: string): string {
  const folder = postgresPrograms()
  if (folder === undefined) throw new Error('needs PostgreSQL; on Debian or Ubuntu: apt-get install postgresql')
  return join(folder, name)
}
