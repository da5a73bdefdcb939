/** Where sessions and accounts live: the value of `HOLDFAST_STORE` and `HOLDFAST_ACCOUNTS`, by scheme. */
import { type HostAddress, hostAddress, oneOf, parseAddress, readParameters, wholeNumber, yesOrNo } from './address.ts'
import { bad, good, type Parsed, type Parser, text } from './parse.ts'

/** How a connection is encrypted. Paths are of PEM files. */
export interface TlsSetting {
  /** `full`: certificate and name are checked. `chain`: the certificate only. `none`: nothing, so that anyone may listen. */
  readonly verify: 'full' | 'chain' | 'none'
  /** Certificates that vouch for the server, in place of those that Node knows. */
  readonly ca?: string | undefined
  /** The client's own, with its key. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

interface Credentials {
  readonly username: string | undefined
  readonly password: string | undefined
}

export interface SqliteBackend {
  readonly kind: 'sqlite'
  readonly path: string
}

export interface MemoryBackend {
  readonly kind: 'memory'
}

export interface PostgresBackend extends Credentials {
  readonly kind: 'postgres'
  /** A name, an address, or the folder of a UNIX socket. */
  readonly host: string
  readonly port: number
  readonly database: string | undefined
  readonly tls: TlsSetting | undefined
  readonly schema: string
  readonly partitions: number
  /** Connections for sessions; accounts have a few of their own. */
  readonly connections: number
  /** Transactions of several connections share one to the server: nothing may be kept on it from one to the next. */
  readonly pooler: boolean
  /** The server itself, past a pooler, for the change feed. */
  readonly listen: HostAddress | undefined
  readonly expectsStandby: boolean
}

export interface RedisBackend extends Credentials {
  readonly kind: 'redis'
  readonly topology: 'single' | 'cluster' | 'sentinel'
  readonly hosts: readonly HostAddress[]
  /** What the sentinels call the set; only for them. */
  readonly name: string | undefined
  readonly sentinel: Credentials
  readonly database: number
  readonly tls: TlsSetting | undefined
  readonly prefix: string
  readonly replicas: number
  readonly whenNotDurable: 'accept' | 'refuse'
  readonly allowsEviction: boolean
}

export type Backend = SqliteBackend | MemoryBackend | PostgresBackend | RedisBackend
export type AccountsBackend = SqliteBackend | PostgresBackend

/** For messages: without credentials and parameters. */
export function placeOf(backend: Backend): string {
  if (backend.kind === 'memory') return 'memory'
  if (backend.kind === 'sqlite') return backend.path
  if (backend.kind === 'postgres') {
    const { host, port, database } = backend
    return `postgres://${written({ host, port })}${database === undefined ? '' : `/${database}`}`
  }
  const kind = backend.topology === 'single' ? '' : `+${backend.topology}`
  const path = [backend.name, backend.database === 0 ? undefined : String(backend.database)].filter((part) => part !== undefined)
  return [`${backend.tls === undefined ? 'redis' : 'rediss'}${kind}://${backend.hosts.map(written).join(',')}`, ...path].join('/')
}

function written({ host, port }: HostAddress): string {
  return host.startsWith('/') ? host : `${host.includes(':') ? `[${host}]` : host}:${port}`
}

const schemaName: Parser<string> = (given) =>
  /^[a-z_][a-z0-9_]{0,39}$/.test(given) ? good(given) : bad('must be 1 to 40 of a-z, 0-9 and _, and not begin with a digit')

const file: Parser<string> = (given) => (given === '' ? bad('must be the path of a file') : good(given))

const sslModes = {
  disable: undefined,
  require: 'full',
  'verify-full': 'full',
  'verify-ca': 'chain',
  'no-verify': 'none',
} as const

const postgresParameters = {
  sslmode: oneOf(...(Object.keys(sslModes) as (keyof typeof sslModes)[])),
  sslrootcert: file,
  sslcert: file,
  sslkey: file,
  host: text,
  schema: schemaName,
  partitions: wholeNumber(0, 256),
  connections: wholeNumber(2, 200),
  pooler: yesOrNo,
  listen: hostAddress(5432),
  standby: yesOrNo,
}

function tlsProblem(tls: TlsSetting | undefined, files: readonly (string | undefined)[]): string | undefined {
  if (tls === undefined) return files.some((path) => path !== undefined) ? 'names certificates, but is not encrypted' : undefined
  if ((tls.cert === undefined) !== (tls.key === undefined)) return 'needs the client’s certificate and its key, or neither'
  return tls.verify === 'none' && tls.ca !== undefined ? 'names who vouches for the server, but does not check it' : undefined
}

function parsePostgres(given: string): Parsed<PostgresBackend> {
  const address = parseAddress(given, 5432)
  if (!address.ok) return address
  const { hosts, path, username, password } = address.value
  const parameters = readParameters(address.value.parameters, postgresParameters)
  if (!parameters.ok) return parameters
  const { sslmode, sslrootcert: ca, sslcert: cert, sslkey: key, ...more } = parameters.value
  if (hosts.length > 1) return bad('must name one host: a name or proxy that follows the primary')
  if (path.length > 1) return bad('must have the name of the database as its only path')
  const [host = { host: more.host ?? 'localhost', port: 5432 }] = hosts
  if (more.host !== undefined && (hosts.length > 0 || !more.host.startsWith('/'))) {
    return bad('host must be the folder of a UNIX socket, with no other host beside it')
  }
  const verify = sslModes[sslmode ?? 'disable']
  const tls = verify === undefined ? undefined : { verify, ca, cert, key }
  const problem = tlsProblem(tls, [ca, cert, key])
  if (problem !== undefined) return bad(problem)
  const { schema = 'public', partitions = 0, connections = 10, pooler = false, listen, standby: expectsStandby = false } = more
  const server = { ...host, database: path[0], username, password, tls }
  return good({ kind: 'postgres', ...server, schema, partitions, connections, pooler, listen, expectsStandby })
}

const redisParameters = {
  tls_ca: file,
  tls_cert: file,
  tls_key: file,
  tls_verify: oneOf('full', 'chain', 'none'),
  sentinel_username: text,
  sentinel_password: text,
  prefix: ((given) =>
    /^[^{}\s]{1,64}$/.test(given) ? good(given) : bad('must be 1 to 64 characters without braces and spaces')) as Parser<string>,
  replicas: wholeNumber(0, 10),
  not_durable: oneOf('accept', 'refuse'),
  eviction: oneOf('refuse', 'allow'),
}

type Topology = RedisBackend['topology']
const defaultPorts: { readonly [K in Topology]: number } = { single: 6379, cluster: 6379, sentinel: 26_379 }

interface RedisPath {
  readonly name?: string | undefined
  readonly database: number
}

/** What follows the hosts, by topology: a database; nothing; the name of the set and a database. */
const redisPaths: { readonly [K in Topology]: (path: readonly string[]) => RedisPath | string } = {
  single: (path) => databaseIn(path) ?? 'must have at most the number of a database as its path',
  cluster: (path) => (path.length === 0 ? { database: 0 } : 'must have no path: a cluster has one database'),
  sentinel: ([name, ...path]) => {
    const found = name === undefined || name === '' ? undefined : databaseIn(path)
    return found === undefined
      ? 'must have as its path the name that the sentinels know, and at most the number of a database'
      : { name, ...found }
  },
}

function databaseIn([number = '0', ...rest]: readonly string[]): RedisPath | undefined {
  return rest.length === 0 && /^\d{1,5}$/.test(number) ? { database: Number(number) } : undefined
}

function parseRedis(given: string): Parsed<RedisBackend> {
  const scheme = given.slice(0, given.indexOf(':'))
  const topology = (scheme.split('+')[1] ?? 'single') as Topology
  const address = parseAddress(given, defaultPorts[topology])
  if (!address.ok) return address
  const { hosts, username, password } = address.value
  if (hosts.length === 0) return bad('must name a host')
  if (topology === 'single' && hosts.length > 1)
    return bad('must name one host; several are for redis+cluster: and redis+sentinel:')
  const path = redisPaths[topology](address.value.path)
  if (typeof path === 'string') return bad(path)
  const parameters = readParameters(address.value.parameters, redisParameters)
  if (!parameters.ok) return parameters
  const { tls_ca: ca, tls_cert: cert, tls_key: key, tls_verify: verify = 'full', ...more } = parameters.value
  const tls = scheme.startsWith('rediss') ? { verify, ca, cert, key } : undefined
  const problem = tlsProblem(tls, [ca, cert, key])
  if (problem !== undefined) return bad(problem)
  const { sentinel_username, sentinel_password, prefix = 'hf:', replicas = 1, not_durable: whenNotDurable = 'accept' } = more
  if (topology !== 'sentinel' && (sentinel_username ?? sentinel_password) !== undefined) {
    return bad('has credentials for sentinels, but is not redis+sentinel:')
  }
  return good({
    kind: 'redis',
    topology,
    hosts,
    name: path.name,
    database: path.database,
    username,
    password,
    sentinel: { username: sentinel_username, password: sentinel_password },
    tls,
    prefix,
    replicas,
    whenNotDurable,
    allowsEviction: more.eviction === 'allow',
  })
}

function parseSqlite(given: string): Parsed<SqliteBackend> {
  const path = given.slice('sqlite:'.length)
  if (path === '' || path.includes('\0') || path.startsWith(':')) return bad('must be sqlite:PATH')
  return good({ kind: 'sqlite', path })
}

const schemes: Readonly<Record<string, (given: string) => Parsed<Backend>>> = {
  'sqlite:': parseSqlite,
  'memory:': (given) => (given === 'memory:' ? good({ kind: 'memory' }) : bad('must be memory: alone')),
  'postgres://': parsePostgres,
  'postgresql://': parsePostgres,
  'redis://': parseRedis,
  'rediss://': parseRedis,
  'redis+cluster://': parseRedis,
  'rediss+cluster://': parseRedis,
  'redis+sentinel://': parseRedis,
  'rediss+sentinel://': parseRedis,
}

const allStores =
  'must be sqlite:PATH, memory:, or begin with postgres://, redis://, redis+cluster:// or redis+sentinel:// (rediss for TLS)'

export const store: Parser<Backend> = (given) => {
  const parse = Object.entries(schemes).find(([scheme]) => given.startsWith(scheme))?.[1]
  return parse === undefined ? bad(allStores) : parse(given)
}

const sqlOnly = 'must be sqlite:PATH or begin with postgres://'

export const accountStore: Parser<AccountsBackend> = (given) => {
  if (!/^(?:sqlite:|postgres(?:ql)?:\/\/)/.test(given)) return bad(sqlOnly)
  const parsed = store(given)
  if (!parsed.ok) return parsed
  const { value } = parsed
  return value.kind === 'sqlite' || value.kind === 'postgres' ? good(value) : bad(sqlOnly)
}
