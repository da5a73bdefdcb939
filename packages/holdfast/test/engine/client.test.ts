import { describe, expect, it } from 'vitest'
import { clientKind, fingerprintOf, keptUserAgent, labelOf, matchesFingerprint } from '../../src/engine/fingerprint.ts'
import { createKeyring } from '../../src/engine/keyring.ts'
import { networkOf } from '../../src/engine/network.ts'

const agents = {
  chromeWindows:
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  edge: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0',
  opera: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 OPR/120.0.0.0',
  firefoxLinux: 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0',
  safariMac:
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15',
  safariPhone:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
  chromePhone:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0.0.0 Mobile/15E148 Safari/604.1',
  chromeAndroid:
    'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36',
}

describe('the label of a client', () => {
  it.each([
    [agents.chromeWindows, 'Chrome on Windows'],
    [agents.edge, 'Edge on Windows'],
    [agents.opera, 'Opera on Linux'],
    [agents.firefoxLinux, 'Firefox on Linux'],
    [agents.safariMac, 'Safari on macOS'],
    [agents.safariPhone, 'Safari on iPhone'],
    [agents.chromePhone, 'Chrome on iPhone'],
    [agents.chromeAndroid, 'Chrome on Android'],
    ['curl/8.10.1', 'curl'],
    [undefined, 'Unknown client'],
    ['', 'Unknown client'],
    ['\u202E\n\u0000', 'Unknown client'],
  ])('of %s is %s', (agent, label) => {
    expect(labelOf(agent)).toBe(label)
  })

  it('is bounded, and what is kept of the header holds no control or direction characters', () => {
    expect(labelOf('x'.repeat(10_000)).length).toBeLessThanOrEqual(40)
    expect(keptUserAgent(`a\r\nb\u202Ec\u2028d${'e'.repeat(1000)}`)).toMatch(/^abcde{1,512}$/)
  })
})

describe('the fingerprint', () => {
  const keyring = createKeyring(['k3Jq9vTz1mXw8RbY5nLd2HsG7pCf4Ua0'])
  const rotated = createKeyring(['Zt6Wm1Qx9Vb4Nc8Rl3Kj7Hg2Fd5Sa0Pe', 'k3Jq9vTz1mXw8RbY5nLd2HsG7pCf4Ua0'])
  const removed = createKeyring(['Zt6Wm1Qx9Vb4Nc8Rl3Kj7Hg2Fd5Sa0Pe'])

  it('survives an update of the browser', () => {
    const bound = fingerprintOf(keyring, agents.firefoxLinux) ?? ''
    expect(matchesFingerprint(keyring, bound, agents.firefoxLinux.replaceAll('143', '155'))).toBe(true)
  })

  it('tells family, platform and mobile apart', () => {
    const bound = Object.values(agents).map((agent) => fingerprintOf(keyring, agent))
    expect(new Set(bound).size).toBe(bound.length)
    expect(matchesFingerprint(keyring, fingerprintOf(keyring, agents.edge) ?? '', agents.chromeWindows)).toBe(false)
  })

  it('binds no program, and is not matched by one', () => {
    expect(fingerprintOf(keyring, 'curl/8.10.1')).toBeNull()
    expect(fingerprintOf(keyring, undefined)).toBeNull()
    expect(clientKind('Chrome/1.0')).toBeNull()
    expect(matchesFingerprint(keyring, fingerprintOf(keyring, agents.edge) ?? '', 'curl/8.10.1')).toBe(false)
  })

  it('still matches after a key rotation, and cannot be told once its key is gone', () => {
    const bound = fingerprintOf(keyring, agents.edge) ?? ''
    expect(matchesFingerprint(rotated, bound, agents.edge)).toBe(true)
    expect(matchesFingerprint(rotated, bound, agents.opera)).toBe(false)
    expect(matchesFingerprint(removed, bound, agents.opera)).toBe(true)
  })
})

describe('the network of an address', () => {
  it.each([
    ['203.0.113.7', '203.0.113.200', true],
    ['203.0.113.7', '203.0.114.7', false],
    ['::ffff:203.0.113.7', '203.0.113.9', true],
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', true],
    ['2001:0DB8:0001:0002::1', '2001:db8:1:2::1', true],
    ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
    ['2001:db8::1', '2001:db8:0:0:5::1', true],
    ['::1', '::2', true],
    ['fe80::1%eth0', 'fe80::2%eth1', true],
    ['203.0.113.7', '2001:db8::1', false],
  ])('%s and %s: same %s', (a, b, same) => {
    expect(networkOf(a) === networkOf(b)).toBe(same)
  })

  it('of text that is no address is that text', () => {
    expect(networkOf('unknown')).not.toBe(networkOf('other'))
  })
})
