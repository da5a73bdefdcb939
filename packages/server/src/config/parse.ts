/** Readers of single settings: text in, a value or one sentence about what is wrong out. */
import { BlockList, isIP } from 'node:net'

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string }
export type Parser<T> = (text: string) => Parsed<T>

export const good = <T>(value: T): Parsed<T> => ({ ok: true, value })
export const bad = (problem: string): Parsed<never> => ({ ok: false, problem })

export const text: Parser<string> = (given) => good(given)

/** Host names and addresses that reach only this machine. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase()
  return name === 'localhost' || name.endsWith('.localhost') || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'))
}

/** Whether one of these addresses and networks, which must be sound, is of this machine. */
export function trustsLoopback(ranges: readonly string[]): boolean {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return list.check('127.0.0.1', 'ipv4') || list.check('::1', 'ipv6')
}

export const origin: Parser<URL> = (given) => {
  const url = URL.parse(given)
  if (url === null || !/^https?:$/.test(url.protocol)) return bad('must be an origin such as https://auth.example.com')
  // The parser adds the closing slash, lower-cases and drops a default port; everything else must be absent.
  const rest = url.pathname.slice(1) + url.search + url.hash + url.username + url.password
  if (rest !== '' || given.endsWith('?') || given.endsWith('#'))
    return bad('must be an origin only: no path, query or credentials')
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) return bad('must use https unless the host is loopback')
  return good(url)
}

const hostName = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_-]{1,63})*$/i
export const host: Parser<string> = (given) =>
  isIP(given) !== 0 || hostName.test(given) ? good(given) : bad('must be an address or host name to listen on, without a port')

export const port: Parser<number> = (given) =>
  /^\d{1,5}$/.test(given) && Number(given) <= 65_535 ? good(Number(given)) : bad('must be a whole number from 0 to 65535')

/** A whole number of seconds, as the milliseconds that they are. */
export const drain: Parser<number> = (given) =>
  /^\d{1,3}$/.test(given) && Number(given) <= 300
    ? good(Number(given) * 1000)
    : bad('must be a whole number of seconds from 0 to 300')

export const importedKeys: Parser<boolean> = (given) =>
  given === 'accept' || given === 'refuse' ? good(given === 'accept') : bad('must be accept or refuse')

/** Entries separated by commas, each read by `parse`. */
export function list<T>(given: string, parse: Parser<T>): Parsed<readonly T[]> {
  const values: T[] = []
  const found: string[] = []
  for (const item of given.split(',').map((part) => part.trim())) {
    const parsed = item === '' ? bad('is empty') : parse(item)
    if (parsed.ok) values.push(parsed.value)
    else found.push(`entry ${values.length + found.length + 1} ${parsed.problem}`)
  }
  return found.length > 0 ? bad(found.join('; ')) : good(values)
}

export const origins: Parser<readonly string[]> = (given) =>
  list(given, (item) => {
    const parsed = origin(item)
    return parsed.ok ? good(parsed.value.origin) : parsed
  })

/** The IPv4 addresses inside IPv6: a range around all of them is 0.0.0.0/0 by another name. */
function coversMappedIpv4(address: string, bits: number): boolean {
  if (isIP(address) !== 6 || bits > 96) return false
  const list = new BlockList()
  list.addSubnet(address, bits, 'ipv6')
  return list.check('::ffff:0.0.0.0', 'ipv6') && list.check('::ffff:255.255.255.255', 'ipv6')
}

const network: Parser<string> = (given) => {
  const [address = '', prefix, ...rest] = given.split('/')
  const version = isIP(address)
  const bits = version === 4 ? 32 : 128
  if (version === 0 || rest.length > 0) return bad('must be an address or a network such as 10.0.0.0/8')
  if (prefix !== undefined && !(/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits))
    return bad(`has a prefix outside 0 to ${bits}`)
  if (Number(prefix) === 0 || coversMappedIpv4(address, Number(prefix ?? bits))) return bad('trusts every address')
  return good(given)
}
export const networks: Parser<readonly string[]> = (given) => list(given, network)

export const setupToken: Parser<string> = (given) =>
  /^[\x21-\x7e]{16,128}$/.test(given) ? good(given) : bad('must be 16 to 128 printable ASCII characters without spaces')

export const logFormats = ['pretty', 'json'] as const
export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export interface LogSetting {
  /** Undefined: pretty on a terminal, JSON elsewhere. */
  readonly format: (typeof logFormats)[number] | undefined
  readonly level: (typeof logLevels)[number]
}

export const log: Parser<LogSetting> = (given) => {
  const parts = given.split(':')
  const format = logFormats.find((name) => name === parts[0])
  const levelText = format === undefined ? parts[0] : (parts[1] ?? 'info')
  const level = logLevels.find((name) => name === levelText)
  const tooMany = parts.length > (format === undefined ? 1 : 2)
  if (level === undefined || tooMany) {
    return bad(`must be ${logFormats.join(' or ')}, a level (${logLevels.join(', ')}), or both as json:debug`)
  }
  return good({ format, level })
}
