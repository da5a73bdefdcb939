import { expect, it } from 'vitest'
import { keptAddress } from '../../src/engine/network.ts'

it('keeps an address as it is, none as null, and anything else bounded', () => {
  expect(keptAddress('2001:db8::1')).toBe('2001:db8::1')
  expect(keptAddress(undefined)).toBeNull()
  expect(keptAddress('')).toBeNull()
  expect(keptAddress('9'.repeat(10_000))).toHaveLength(64)
})
