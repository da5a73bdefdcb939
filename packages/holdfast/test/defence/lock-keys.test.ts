import { describe, expect, test } from 'vitest'
import { lockKeys, parseLockKey } from '../../src/defence/lock-keys.ts'
import { createKeyring } from '../../src/engine/keyring.ts'

const keyring = createKeyring(['Zq81kf02Lm77xWv3Rt6Yp9Ns4Bd5Hg0c'])
const source = '203.0.113.1'
const keysOf = (name: string, subject: string | null = null) => lockKeys(keyring, name, subject, source)

describe('the keys of a lock', () => {
  test('are one ceiling for all names of an account, and a budget for each of them', () => {
    const [byName, byMail] = [keysOf('alice', 'id-alice'), keysOf('alice@example.test', 'id-alice')]
    expect(byName.account).toBe(byMail.account)
    expect(byName.source).not.toBe(byMail.source)
    expect(byName.account).not.toBe(keysOf('alice', 'id-bob').account)
  })

  // One ceiling for all of them would close at their first hundred failures, and tell them from accounts.
  test('are a ceiling of its own for each name that nobody has, and for no account', () => {
    const accounts = [keysOf('nobody'), keysOf('nobody else'), keysOf('nobody', 'id-alice')].map(({ account }) => account)
    expect(new Set(accounts).size).toBe(3)
    expect(keysOf('ＮＯbody').account).toBe(keysOf('nobody').account)
  })

  test('say neither which name was tried, nor that two of them are of one', () => {
    const { source: ofSource, account } = keysOf('nobody')
    const [, first = ''] = ofSource.split('|')
    const [, second = ''] = account.split('|')
    expect([first.length, second.length]).toEqual([21, 21])
    expect(first).not.toBe(second)
    expect(`${ofSource} ${account}`).not.toContain('nobody')
  })

  test.each([
    ['source', keysOf('alice', 'id|alice').source, { source, subject: 'id|alice' }],
    ['account', keysOf('alice', 'id|alice').account, { source: null, subject: 'id|alice' }],
    ['device', keysOf('alice', 'id|alice').device('device'), { source: null, subject: 'id|alice' }],
    ['source', keysOf('nobody').source, { source, subject: null }],
  ])('are read again: of a %s, %s', (kind, key, expected) => {
    expect(parseLockKey(key)).toEqual({ kind, ...expected })
  })
})
