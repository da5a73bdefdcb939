/**
 * Addresses of databases: `scheme://user:password@host:port,host:port/path?parameter=value`. Read here and not by `URL`,
 * which knows of one host only. What is wrong is said without quoting the address: any part may hold the password.
 */
import { isIP } from 'node:net'
import { bad, good, type Parsed, type Parser } from './parse.ts'

export interface HostAddress {
  /** Without brackets around IPv6. */
  readonly host: string
  readonly port: number
}

export interface Address {
  readonly username: string | undefined
  readonly password: string | undefined
  readonly hosts: readonly HostAddress[]
  /** Decoded, without empty ones at the end. */
  readonly path: readonly string[]
  readonly parameters: ReadonlyMap<string, string>
}

const shape = /^[a-z+]+:\/\/(?:(?<user>[^@/?#]*)@)?(?<hosts>[^@/?#]*)(?:\/(?<path>[^?#]*))?(?:\?(?<parameters>[^#]*))?$/

/** Throws a `URIError` for what is not percent-encoded text. */
function decoded(text: string | undefined): string | undefined {
  const value = text === undefined || text === '' ? undefined : decodeURIComponent(text)
  if (value?.includes('\0') === true) throw new URIError('holds a null character')
  return value
}

const hostName = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_-]{1,63})*\.?$/i

function hostOf(text: string, defaultPort: number): HostAddress | undefined {
  const {
    name,
    literal,
    port = String(defaultPort),
  } = /^(?:\[(?<literal>[^\]]*)\]|(?<name>[^:[\]]*))(?::(?<port>\d{1,5}))?$/.exec(text)?.groups ?? {}
  if (Number(port) < 1 || Number(port) > 65_535) return undefined
  if (literal !== undefined) return isIP(literal) === 6 ? { host: literal, port: Number(port) } : undefined
  return name !== undefined && hostName.test(name) ? { host: name, port: Number(port) } : undefined
}

function hostsOf(text: string, defaultPort: number): Parsed<readonly HostAddress[]> {
  const hosts = text === '' ? [] : text.split(',').map((part) => hostOf(part, defaultPort))
  const wrong = hosts.indexOf(undefined)
  if (wrong >= 0)
    return bad(hosts.length === 1 ? 'must have a host with a port from 1 to 65535' : `host ${wrong + 1} is not host:port`)
  return good(hosts.filter((host) => host !== undefined))
}

function parametersOf(text: string | undefined): ReadonlyMap<string, string> | undefined {
  const pairs = (text ?? '').split('&').filter((pair) => pair !== '')
  const parameters = new Map(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      return at < 1 ? ['', ''] : [pair.slice(0, at), decoded(pair.slice(at + 1)) ?? '']
    }),
  )
  return parameters.size === pairs.length && !parameters.has('') ? parameters : undefined
}

/** Reads an address of a scheme that the caller has recognised. */
export function parseAddress(given: string, defaultPort: number): Parsed<Address> {
  const parts = shape.exec(given)?.groups
  const hint = 'in the user name and password, characters such as @ / ? # : % must be percent-encoded'
  if (parts === undefined) return bad(`is no address: ${hint}`)
  const hosts = hostsOf(parts.hosts ?? '', defaultPort)
  if (!hosts.ok) return bad(`${hosts.problem} (${hint})`)
  const [username, ...password] = (parts.user ?? '').split(':')
  if (password.length > 1) return bad(`is no address: ${hint}`)
  try {
    const parameters = parametersOf(parts.parameters)
    if (parameters === undefined) return bad('has parameters that are not name=value, each once')
    return good({
      username: decoded(username),
      password: decoded(password[0]),
      hosts: hosts.value,
      path: (parts.path ?? '')
        .split('/')
        .map((part) => decoded(part) ?? '')
        .filter((part, at, all) => part !== '' || at < all.length - 1),
      parameters,
    })
  } catch (fault) {
    if (!(fault instanceof URIError)) throw fault
    return bad(`is no address: ${hint}`)
  }
}

type Readers = Readonly<Record<string, Parser<unknown>>>
export type ParameterValues<R extends Readers> = { readonly [K in keyof R]?: R[K] extends Parser<infer T> ? T : never }

/** Reads the parameters that a kind of address knows; every other one is a mistake, named by the ones that exist. */
export function readParameters<R extends Readers>(given: ReadonlyMap<string, string>, readers: R): Parsed<ParameterValues<R>> {
  const values: Record<string, unknown> = {}
  const problems: string[] = []
  for (const [name, text] of given) {
    const parsed = Object.hasOwn(readers, name) ? readers[name]?.(text) : undefined
    if (parsed === undefined) problems.push(`has an unknown parameter; known are ${Object.keys(readers).join(', ')}`)
    else if (parsed.ok) values[name] = parsed.value
    else problems.push(`${name} ${parsed.problem}`)
  }
  return problems.length > 0 ? bad([...new Set(problems)].join('; ')) : good(values as ParameterValues<R>)
}

export function oneOf<const T extends string>(...words: readonly T[]): Parser<T> {
  return (given) => {
    const word = words.find((each) => each === given)
    return word === undefined ? bad(`must be one of ${words.join(', ')}`) : good(word)
  }
}

export function wholeNumber(least: number, most: number): Parser<number> {
  return (given) => {
    const isOne = /^\d{1,9}$/.test(given) && Number(given) >= least && Number(given) <= most
    return isOne ? good(Number(given)) : bad(`must be a whole number from ${least} to ${most}`)
  }
}

export function hostAddress(defaultPort: number): Parser<HostAddress> {
  return (given) => {
    const host = hostOf(given, defaultPort)
    return host === undefined ? bad('must be host:port') : good(host)
  }
}

export const yesOrNo: Parser<boolean> = (given) =>
  given === 'true' || given === 'false' ? good(given === 'true') : bad('must be true or false')
