/** Lists of networks that something may be used from: addresses and CIDR blocks, IPv4 and IPv6. */
import { BlockList, isIP } from 'node:net'

/** What is wrong with one entry; `undefined` when nothing is. */
export function networkProblem(network: string): string | undefined {
  const [address = '', bits, ...rest] = network.split('/')
  const family = isIP(address)
  const wrong = 'must be an IP address or a CIDR block'
  if (family === 0 || address.includes('%') || rest.length > 0) return wrong
  if (bits === undefined) return undefined
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128)) return wrong
  return Number(bits) === 0 ? 'must not be every address: leave the list empty instead' : undefined
}

/** Whether the address is in one of the networks. An unknown address is in none. Entries must be sound. */
export function isInNetworks(ip: string | undefined, networks: readonly string[]): boolean {
  const address = ip?.split('%', 1)[0] ?? ''
  const family = isIP(address)
  if (family === 0) return false
  const list = new BlockList()
  for (const network of networks) {
    const [base = '', bits] = network.split('/')
    const kind = isIP(base) === 4 ? 'ipv4' : 'ipv6'
    if (bits === undefined) list.addAddress(base, kind)
    else list.addSubnet(base, Number(bits), kind)
  }
  return list.check(address, family === 4 ? 'ipv4' : 'ipv6')
}
