import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createAddresses, plainAddress, proxyRangeProblem } from '../../src/http/address.ts'
import type { RequestHeaders } from '../../src/http/carrier.ts'
import { type FakeRequest, fakeCarrier } from './fake-carrier.ts'

const proxies = ['10.0.0.0/8', '127.0.0.1', '2001:db8:1::/48']

function seen(request: FakeRequest, trustProxy: readonly string[] = proxies, allowInsecureTransport = false) {
  const addresses = createAddresses({ trustProxy, allowInsecureTransport })
  const carrier = fakeCarrier(request)
  return { ...addresses.arrivalOf(carrier, carrier.headers), scheme: addresses.schemeOf(carrier) }
}
const ipOf = (peer: string | undefined, headers: RequestHeaders) => seen({ peer, headers }).ip

describe("the client's address", () => {
  test('is the connection itself when that is no trusted proxy, whatever it claims', () => {
    expect(ipOf('203.0.113.1', { 'x-forwarded-for': '1.2.3.4', forwarded: 'for=1.2.3.4' })).toBe('203.0.113.1')
    expect(ipOf(undefined, { 'x-forwarded-for': '1.2.3.4' })).toBeUndefined()
    expect(ipOf('', { 'x-forwarded-for': '1.2.3.4' })).toBeUndefined()
  })

  test.each([
    ['1.2.3.4', '1.2.3.4'],
    ['6.6.6.6, 1.2.3.4', '1.2.3.4'],
    ['6.6.6.6, 1.2.3.4, 10.1.1.1', '1.2.3.4'],
    ['6.6.6.6,1.2.3.4:4711', '1.2.3.4'],
    ['[2001:db8:2::7]:443', '2001:db8:2::7'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['fe80::1%eth0', 'fe80::1'],
    ['10.1.1.1, 10.2.2.2', '10.1.1.1'],
    ['1.2.3.4, unknown', '10.9.9.9'],
    ['1.2.3.4, ', '10.9.9.9'],
    ['1.2.3.4, 10.1.1.1, x', '10.9.9.9'],
    ['', '10.9.9.9'],
    ['1.2.3.4.5', '10.9.9.9'],
    ['1.2.3.4; DROP', '10.9.9.9'],
  ])('from a trusted proxy that says %j is %s', (list, expected) => {
    expect(ipOf('10.9.9.9', { 'x-forwarded-for': list })).toBe(expected)
  })

  test('is read from Forwarded too, quoted or not', () => {
    expect(ipOf('10.0.0.1', { forwarded: 'for=6.6.6.6, for="[2001:db8:2::7]:1";proto=https' })).toBe('2001:db8:2::7')
    expect(ipOf('10.0.0.1', { forwarded: 'proto=https;For=1.2.3.4' })).toBe('1.2.3.4')
    expect(ipOf('10.0.0.1', { forwarded: 'for=_hidden' })).toBe('10.0.0.1')
  })

  test('is the proxy when the two headers differ: one of them came from the client', () => {
    expect(ipOf('10.0.0.1', { forwarded: 'for=6.6.6.6', 'x-forwarded-for': '1.2.3.4' })).toBe('10.0.0.1')
    expect(ipOf('10.0.0.1', { forwarded: 'for=1.2.3.4', 'x-forwarded-for': '1.2.3.4' })).toBe('1.2.3.4')
  })

  test('can never be chosen by what stands left of the rightmost untrusted hop', () => {
    fc.assert(
      fc.property(fc.array(fc.ipV4(), { maxLength: 5 }), (forged) => {
        expect(ipOf('10.0.0.1', { 'x-forwarded-for': [...forged, '203.0.113.7', '10.3.3.3'].join(', ') })).toBe('203.0.113.7')
      }),
    )
  })

  test('is spelled one way whether the socket is dual-stack or not', () => {
    expect(plainAddress('::ffff:1.2.3.4')).toBe('1.2.3.4')
    expect(plainAddress('::FFFF:1.2.3.4')).toBe('1.2.3.4')
    expect(plainAddress('::ffff:1.2.3')).toBe('::ffff:1.2.3')
    expect(ipOf('::ffff:10.0.0.1', { 'x-forwarded-for': '1.2.3.4' })).toBe('1.2.3.4')
    fc.assert(fc.property(fc.ipV6(), (address) => void plainAddress(address)))
  })
})

describe('the transport', () => {
  const https = { 'x-forwarded-proto': 'https' }

  test.each<[string, FakeRequest, string]>([
    ['a TLS socket', { encrypted: true, peer: '203.0.113.1' }, 'secure'],
    ['a trusted proxy that says https', { peer: '10.0.0.1', headers: https }, 'secure'],
    ['a trusted proxy that says https last', { peer: '10.0.0.1', headers: { 'x-forwarded-proto': 'http, HTTPS ' } }, 'secure'],
    [
      'a trusted proxy that says so in Forwarded',
      { peer: '10.0.0.1', headers: { forwarded: 'for=1.1.1.1;proto=https' } },
      'secure',
    ],
    ['a trusted proxy that says http last', { peer: '10.0.0.1', headers: { 'x-forwarded-proto': 'https, http' } }, 'refused'],
    ['a stranger that says https', { peer: '203.0.113.1', headers: https }, 'refused'],
    ['a stranger', { peer: '203.0.113.1', headers: { host: 'localhost' } }, 'refused'],
    ['no address at all', { peer: undefined, headers: { host: 'localhost' } }, 'refused'],
    ['loopback by name', { headers: { host: 'localhost:3000' } }, 'bare'],
    ['loopback by a name under localhost', { headers: { host: 'app.localhost' } }, 'bare'],
    ['loopback by address', { headers: { host: '127.0.0.1' } }, 'bare'],
    ['loopback over IPv6', { peer: '::1', headers: { host: '[::1]:80' } }, 'bare'],
    ['loopback on a dual-stack socket', { peer: '::ffff:127.0.0.1', headers: { host: 'localhost' } }, 'bare'],
    ['loopback under a public name', { headers: { host: 'app.example' } }, 'refused'],
    ['loopback under a look-alike name', { headers: { host: 'localhost.evil.example' } }, 'refused'],
    ['loopback without a host', {}, 'refused'],
    ['loopback, forwarded for somebody', { headers: { host: 'localhost', 'x-forwarded-for': '127.0.0.1' } }, 'refused'],
    ['loopback, forwarded by name', { headers: { host: 'localhost', 'x-forwarded-host': 'localhost' } }, 'refused'],
    ['loopback, forwarded by Forwarded', { headers: { host: 'localhost', forwarded: 'for=127.0.0.1' } }, 'refused'],
    ['loopback, with a real address', { headers: { host: 'localhost', 'x-real-ip': '127.0.0.1' } }, 'refused'],
    ['loopback, forwarded over http', { headers: { host: 'localhost', 'x-forwarded-proto': 'http' } }, 'refused'],
  ])('%s', (_what, request, expected) => {
    expect(seen(request).transport).toBe(expected)
    expect(seen(request).scheme).toBe(expected === 'secure' ? 'https' : 'http')
  })

  test('plain http from anywhere is taken only by the option that names it', () => {
    expect(seen({ peer: '203.0.113.1' }, [], true).transport).toBe('bare')
  })
})

describe('a range of proxies', () => {
  test.each(['10.0.0.1', '10.0.0.0/8', '::1', '2001:db8::/32', '10.0.0.1/32', '::ffff:10.0.0.0/104'])('%s is one', (range) => {
    expect(proxyRangeProblem(range)).toBeUndefined()
  })

  test.each([
    '',
    'x',
    '10.0.0',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '::/129',
    'localhost',
    '*',
    '10.0.0.0/8 ',
  ])('%j is none', (range) => expect(proxyRangeProblem(range)).toMatch(/must be an IP address/))

  test.each(['0.0.0.0/0', '1.2.3.4/0', '::/0', '::ffff:0:0/96', '::ffff:0:0/80', '::/1'])('%s would trust everybody', (range) => {
    expect(proxyRangeProblem(range)).toMatch(/must not trust every address/)
  })
})

describe('a proxy that nobody listed', () => {
  function toldOf(...requests: readonly FakeRequest[]): string[] {
    const told: string[] = []
    const addresses = createAddresses({ trustProxy: ['10.0.0.1'], allowInsecureTransport: false }, (proxy) => told.push(proxy))
    for (const request of requests) {
      const carrier = fakeCarrier(request)
      addresses.arrivalOf(carrier, carrier.headers)
    }
    return told
  }
  const forwarded = { 'x-forwarded-for': '203.0.113.1' }

  test.each(['127.0.0.1', '10.0.0.2', '192.168.1.5', '172.31.0.1', '100.64.0.1', '::1', 'fd00::5', '::ffff:10.0.0.2'])(
    'is told of once when it passes requests on from %s',
    (peer) => {
      const request = { peer, headers: forwarded }
      expect(toldOf(request, { peer, headers: { forwarded: 'for=203.0.113.1' } }, request)).toEqual([plainAddress(peer)])
    },
  )

  test('is neither one that is listed, nor a client, nor an address from which anyone may write headers', () => {
    const requests = [
      { peer: '10.0.0.1', headers: forwarded },
      { peer: '10.0.0.2', headers: {} },
      { peer: '203.0.113.9', headers: forwarded },
      { peer: '2001:db8::1', headers: forwarded },
    ]
    expect(toldOf(...requests)).toEqual([])
  })

  test('is one of sixteen at most', () => {
    const requests = Array.from({ length: 100 }, (_, at) => ({ peer: `192.168.0.${at}`, headers: forwarded }))
    expect(toldOf(...requests)).toHaveLength(16)
  })
})
