/**
 * Proxies that pass requests on and are not trusted: their clients all have one address, theirs, and share its budgets.
 * The headers of such a request stay hearsay; what can be done is to say so. Only addresses that a proxy of one's own
 * would have count: from elsewhere anyone can write those headers.
 */
import { BlockList } from 'node:net'

const local: readonly (readonly [network: string, bits: number, family: 'ipv4' | 'ipv6'])[] = [
  ['127.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['::1', 128, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
]
const networks = new BlockList()
for (const [network, bits, family] of local) networks.addSubnet(network, bits, family)

/** More are not told of: by then it has been said often enough. */
const mostTold = 16

/** Tells of each address once. */
export function createUnlistedProxies(tell: (proxy: string) => void): (peer: string) => void {
  const told = new Set<string>()
  return (peer) => {
    if (told.size >= mostTold || told.has(peer)) return
    if (!networks.check(peer, peer.includes(':') ? 'ipv6' : 'ipv4')) return
    told.add(peer)
    tell(peer)
  }
}
