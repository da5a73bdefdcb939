import { describe, expect, it } from 'vitest'
import { isInNetworks, networkProblem } from '../../src/defence/networks.ts'

describe('a network', () => {
  it.each(['192.0.2.1', '192.0.2.0/24', '10.0.0.0/8', '2001:db8::/32', '::1', '192.0.2.1/32', '2001:db8::1/128'])(
    'may be %s',
    (network) => expect(networkProblem(network)).toBeUndefined(),
  )

  it.each([
    '',
    'host',
    '192.0.2.0/33',
    '192.0.2.0/',
    '192.0.2.0/8/8',
    '1.2.3',
    '2001:db8::/129',
    '0.0.0.0/0',
    '::/0',
    'fe80::1%eth0',
    '10.0.0.0/-1',
  ])('may not be "%s"', (network) => expect(networkProblem(network)).toBeTypeOf('string'))
})

describe('an address', () => {
  it('is inside its networks, however it is spelled', () => {
    const networks = ['192.0.2.0/24', '2001:db8::/32']
    for (const ip of ['192.0.2.7', '::ffff:192.0.2.7', '2001:DB8:0:0::7']) expect(isInNetworks(ip, networks), ip).toBe(true)
    for (const ip of ['192.0.3.7', '2001:db9::7', '', 'x', '192.0.2', undefined])
      expect(isInNetworks(ip, networks), ip).toBe(false)
    expect(isInNetworks('198.51.100.9', ['198.51.100.9'])).toBe(true)
    expect(isInNetworks('198.51.100.8', ['198.51.100.9'])).toBe(false)
  })
})
