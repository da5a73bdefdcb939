/** Addresses, as far as the engine needs them: which network one belongs to. */

const longestAddress = 64

/** The address as it is kept: bounded, null when there is none. */
export function keptAddress(ip: string | undefined): string | null {
  return ip?.slice(0, longestAddress) || null
}

/**
 * The network of an address: IPv4 by /24, IPv6 by /64, the grain at which honest clients move without changing
 * place. Text that is no address is its own network.
 */
export function networkOf(ip: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)
  const address = mapped?.[1] ?? ip
  if (!address.includes(':')) return address.slice(0, address.lastIndexOf('.') + 1) || address
  return expandedGroups(address).slice(0, 4).join(':')
}

/** The groups of an IPv6 address without leading zeros, `::` written out, any zone dropped. */
function expandedGroups(address: string): string[] {
  const [head = '', tail] = (address.split('%', 1)[0] ?? '').toLowerCase().split('::', 2)
  const groups = (text: string) =>
    text
      .split(':')
      .filter((group) => group !== '')
      .map((group) => group.replace(/^0+(?=.)/, ''))
  const before = groups(head)
  if (tail === undefined) return before
  const after = groups(tail)
  return [...before, ...Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0'), ...after]
}
