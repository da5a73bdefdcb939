/**
 * Where a request came from and over what: the client's address through trusted proxies, and whether the way to
 * us was secure. A forwarded header counts only when the connection comes from a trusted proxy.
 */
import { BlockList, isIP, isIPv4 } from 'node:net'
import type { Carrier, RequestHeaders } from './carrier.ts'
import { createUnlistedProxies } from './unlisted-proxies.ts'

/** `bare`: plain http that is allowed (loopback, or an option). `refused`: plain http that is not. */
export type Transport = 'secure' | 'bare' | 'refused'

export const insecureDetail =
  'the connection is plain http on a host other than loopback; behind a proxy that ends TLS, list it in trustProxy'

export interface AddressSettings {
  /** Addresses and CIDR ranges of the proxies in front of this service. */
  readonly trustProxy: readonly string[]
  readonly allowInsecureTransport: boolean
}

/** The way that a request came. */
export interface Arrival {
  readonly transport: Transport
  /** The client's address; `undefined` when the connection has none. */
  readonly ip: string | undefined
}

export interface Addresses {
  /** `headers` are the carrier's own, read once for all that asks them. */
  arrivalOf(carrier: Carrier, headers: RequestHeaders): Arrival
  /** The scheme of our own origin as the client sees it. */
  schemeOf(carrier: Carrier): 'http' | 'https'
}

const mapped = '::ffff:'

/** An IPv4 address on a dual-stack socket is written as itself; IPv6 loses its zone. */
export function plainAddress(address: string): string {
  const text = address.includes('%') ? address.slice(0, address.indexOf('%')) : address
  if (text.length > mapped.length && text.slice(0, mapped.length).toLowerCase() === mapped) {
    const rest = text.slice(mapped.length)
    if (isIPv4(rest)) return rest
  }
  return text
}

/** What is wrong with an entry of `trustProxy`; `undefined` when it is fine. */
export function proxyRangeProblem(range: string): string | undefined {
  const [address = '', bits, ...rest] = range.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return 'must be an IP address or a CIDR range'
  if (bits === undefined) return undefined
  const most = family === 4 ? 32 : 128
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > most) return 'must be an IP address or a CIDR range'
  if (Number(bits) === 0) return 'must not trust every address: anyone could then forge theirs'
  // The IPv4 addresses inside IPv6: the same as 0.0.0.0/0.
  if (family === 6 && Number(bits) <= 96 && coversMappedIpv4(address, Number(bits))) {
    return 'must not trust every address: anyone could then forge theirs'
  }
  return undefined
}

function rangeList(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/')
    const family = isIPv4(address) ? 'ipv4' : 'ipv6'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return list
}

function coversMappedIpv4(address: string, bits: number): boolean {
  const list = new BlockList()
  list.addSubnet(address, bits, 'ipv6')
  return list.check('::ffff:0.0.0.0', 'ipv6') && list.check('::ffff:255.255.255.255', 'ipv6')
}

const mostRemembered = 1000

/** Asks the list once per address: a proxy is few addresses, and the list costs a microsecond. */
function createTrust(ranges: readonly string[]): (address: string) => boolean {
  const list = rangeList(ranges)
  const known = new Map<string, boolean>()
  return (address) => {
    const before = known.get(address)
    if (before !== undefined) return before
    const family = isIP(address)
    const trusted = family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6')
    if (known.size >= mostRemembered) known.clear()
    known.set(address, trusted)
    return trusted
  }
}

/** The address in one element of a forwarded list, without port and brackets; `undefined` when it is none. */
function hopAddress(element: string): string | undefined {
  const text = element.trim()
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1]
  const candidate = bracketed ?? (/^\d+\.\d+\.\d+\.\d+:\d+$/.test(text) ? text.slice(0, text.indexOf(':')) : text)
  const address = plainAddress(candidate)
  return isIP(address) === 0 ? undefined : address
}

/** One parameter of each element of a `Forwarded` header (RFC 7239); an element without it gives ''. */
function forwardedValues(header: string, parameter: string): string[] {
  const pattern = new RegExp(`(?:^|;)\\s*${parameter}\\s*=\\s*(?:"([^"]*)"|([^;\\s]*))`, 'i')
  return header.split(',').map((element) => {
    const match = pattern.exec(element)
    return match?.[1] ?? match?.[2] ?? ''
  })
}

const loopbackHost = /^(?:localhost|[a-z0-9-]+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/i

/** The last entry is the one that the nearest proxy wrote. */
function forwardedSecure({ 'x-forwarded-proto': proto, forwarded }: RequestHeaders): boolean {
  const protos = proto?.split(',') ?? (forwarded === undefined ? [] : forwardedValues(forwarded, 'proto'))
  return protos.at(-1)?.trim().toLowerCase() === 'https'
}

export function isLoopbackHost(host: string): boolean {
  return loopbackHost.test(host)
}

function isLoopbackAddress(address: string): boolean {
  return address === '127.0.0.1' || address === '::1' || (address.startsWith('127.') && isIPv4(address))
}

function wasForwarded(headers: RequestHeaders): boolean {
  return (
    headers['x-forwarded-for'] !== undefined ||
    headers['x-forwarded-proto'] !== undefined ||
    headers['x-forwarded-host'] !== undefined ||
    headers['x-real-ip'] !== undefined ||
    headers.forwarded !== undefined
  )
}

/** `onUnlisted` is told once of each proxy that passes requests on without being trusted. */
export function createAddresses(settings: AddressSettings, onUnlisted: (proxy: string) => void = () => undefined): Addresses {
  const isTrusted = settings.trustProxy.length === 0 ? () => false : createTrust(settings.trustProxy)
  const noteUnlisted = createUnlistedProxies(onUnlisted)
  // The same few values come with every request: the latest answers are kept.
  let lastPeer = ''
  let lastPlainPeer = ''
  let lastHost = ''
  let lastHostIsLoopback = false

  const hostIsLoopback = (host: string | undefined): boolean => {
    if (host === undefined) return false
    if (host !== lastHost) {
      lastHost = host
      lastHostIsLoopback = isLoopbackHost(host)
    }
    return lastHostIsLoopback
  }

  const isSecure = (carrier: Carrier, isProxy: boolean, headers: RequestHeaders): boolean =>
    carrier.encrypted || (isProxy && forwardedSecure(headers))

  /** Loopback in every respect: a proxy on this host also connects from loopback, and adds a forwarded header. */
  const isLocal = (carrier: Carrier, peer: string | undefined, forwarded: boolean): boolean =>
    !forwarded && peer !== undefined && isLoopbackAddress(peer) && hostIsLoopback(carrier.host)

  const plainTransport = (carrier: Carrier, peer: string | undefined, forwarded: boolean): Transport =>
    settings.allowInsecureTransport || isLocal(carrier, peer, forwarded) ? 'bare' : 'refused'

  const peerOf = (carrier: Carrier): string | undefined => {
    const { peer } = carrier
    if (peer === undefined || peer === '') return undefined
    if (peer !== lastPeer) {
      lastPeer = peer
      lastPlainPeer = plainAddress(peer)
    }
    return lastPlainPeer
  }

  /** From the right, the first hop that is not ours; what an untrusted hop wrote left of it is hearsay. */
  const rightmostUntrusted = (peer: string, hops: readonly string[]): string => {
    let address = peer
    for (let at = hops.length - 1; at >= 0 && isTrusted(address); at -= 1) {
      const hop = hopAddress(hops[at] ?? '')
      if (hop === undefined) return address
      address = hop
    }
    return address
  }

  /** The client in front of a trusted proxy. */
  const clientBehind = (proxy: string, { 'x-forwarded-for': list, forwarded }: RequestHeaders): string => {
    const byList = list === undefined ? undefined : rightmostUntrusted(proxy, list.split(','))
    const byForwarded = forwarded === undefined ? undefined : rightmostUntrusted(proxy, forwardedValues(forwarded, 'for'))
    // A proxy writes one of the two. When they differ the other came from the client: neither is believed.
    if (byList !== undefined && byForwarded !== undefined && byList !== byForwarded) return proxy
    return byList ?? byForwarded ?? proxy
  }

  return {
    arrivalOf(carrier, headers) {
      const peer = peerOf(carrier)
      const isProxy = peer !== undefined && isTrusted(peer)
      const secure = isSecure(carrier, isProxy, headers)
      if (isProxy) {
        const transport = secure ? 'secure' : plainTransport(carrier, peer, wasForwarded(headers))
        return { transport, ip: clientBehind(peer, headers) }
      }
      const forwarded = wasForwarded(headers)
      if (forwarded && peer !== undefined) noteUnlisted(peer)
      return { transport: secure ? 'secure' : plainTransport(carrier, peer, forwarded), ip: peer }
    },

    schemeOf(carrier) {
      const peer = peerOf(carrier)
      return isSecure(carrier, peer !== undefined && isTrusted(peer), carrier.headers) ? 'https' : 'http'
    },
  }
}
