import { describe, expect, it } from 'vitest'
import { createUnlistedProxies } from '../../src/http/unlisted-proxies.ts'

function toldOf(peers: readonly string[]): string[] {
  const told: string[] = []
  const note = createUnlistedProxies((proxy) => told.push(proxy))
  for (const peer of peers) note(peer)
  return told
}

describe('proxies that are not trusted', () => {
  it('are told of once each', () => {
    expect(toldOf(['10.0.0.1', '10.0.0.1', '10.0.0.2', '10.0.0.1'])).toEqual(['10.0.0.1', '10.0.0.2'])
  })

  it.each(['127.0.0.1', '10.1.2.3', '172.16.0.1', '192.168.1.1', '169.254.1.1', '100.64.0.1', '::1', 'fd00::1', 'fe80::1'])(
    'are of a network of one’s own, as %s is',
    (peer) => expect(toldOf([peer])).toEqual([peer]),
  )

  it.each(['192.0.2.1', '172.32.0.1', '100.128.0.1', '2001:db8::1'])(
    'are none at %s, from where anyone can write their headers',
    (peer) => expect(toldOf([peer])).toEqual([]),
  )

  it('are told of up to sixteen, so that nobody fills the trail with addresses', () => {
    const peers = Array.from({ length: 40 }, (_, at) => `10.0.1.${at}`)
    expect(toldOf(peers)).toEqual(peers.slice(0, 16))
  })
})
