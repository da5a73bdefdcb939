/** Addresses, as far as the engine needs them: which network one belongs to. */

const longestAddress = 64

/** The address as it is kept: bounded, null when there is none. */
export function keptAddress(ip: string | undefined): string | null {
  return ip?.slice(0, longestAddress) || null
}

const mappedPrefix = '0:0:0:0:0:ffff'
/** The well-known prefix of NAT64 (RFC 6052): behind it stands every IPv4 client, each one its own. */
const translatedPrefix = '64:ff9b:0:0:0:0'

/** The IPv4 address that an IPv6 address stands for, however it is spelled; `undefined` when it is one of its own. */
function embeddedIpv4(groups: readonly string[]): string | undefined {
  const prefix = groups.slice(0, 6).join(':')
  if (prefix !== mappedPrefix && prefix !== translatedPrefix) return undefined
  return groups
    .slice(6)
    .map((group) => Number.parseInt(group, 16))
    .flatMap((group) => [group >> 8, group & 0xff])
    .join('.')
}

/** An IPv6 address as its /64 and an IPv4 one as itself, also when it is written inside IPv6. */
function reduced(address: string): { readonly ipv4: string } | { readonly ipv6: string } {
  if (!address.includes(':')) return { ipv4: address }
  const groups = ipv6Groups(address)
  const ipv4 = embeddedIpv4(groups)
  return ipv4 === undefined ? { ipv6: groups.slice(0, 4).join(':') } : { ipv4 }
}

/**
 * The network of an address: IPv4 by /24, IPv6 by /64, the grain at which honest clients move without changing
 * place. Text that is no address is its own network.
 */
export function networkOf(ip: string): string {
  const address = reduced(ip)
  if ('ipv6' in address) return address.ipv6
  return address.ipv4.slice(0, address.ipv4.lastIndexOf('.') + 1) || address.ipv4
}

/**
 * Whose budget a request is counted against, the smallest network that one client is sure to hold: IPv4 by address,
 * IPv6 by /64, because one household or host holds a whole /64 and rotates through it at will. Requests of unknown
 * source share one budget.
 */
export function sourceOf(ip: string | undefined): string {
  const kept = keptAddress(ip)
  if (kept === null) return 'unknown'
  const address = reduced(kept)
  return 'ipv6' in address ? `${address.ipv6}::/64` : address.ipv4
}

/** The eight groups of an IPv6 address without leading zeros: `::` and a dotted tail written out, any zone dropped. */
function ipv6Groups(address: string): string[] {
  const [head = '', tail] = (address.split('%', 1)[0] ?? '').toLowerCase().split('::', 2)
  const groups = (text: string) =>
    text
      .split(':')
      .filter((group) => group !== '')
      .flatMap((group) => (group.includes('.') ? dottedGroups(group) : group.replace(/^0+(?=.)/, '')))
  const before = groups(head)
  if (tail === undefined) return before
  const after = groups(tail)
  return [...before, ...Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0'), ...after]
}

function dottedGroups(dotted: string): string[] {
  const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map(Number)
  return [(a * 256 + b).toString(16), (c * 256 + d).toString(16)]
}
