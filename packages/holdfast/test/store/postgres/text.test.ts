import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromColumn, toColumn } from '../../../src/store/postgres-text.ts'

/** Any UTF-16 text, lone surrogates, U+0000 and backslashes among it more often than by chance. */
const text = fc
  .array(fc.oneof(fc.constantFrom(0, 0x5c, 0xd800, 0xdc00, 0x30, 0x61), fc.integer({ min: 0, max: 0xffff })))
  .map((units) => String.fromCharCode(...units))

describe('a text in a column', () => {
  it('is one that PostgreSQL can hold, and comes back as it was', () => {
    fc.assert(
      fc.property(text, (given) => {
        const column = toColumn(given)
        expect(column).not.toMatch(/\p{Cs}/u)
        expect(column).not.toContain('\0')
        expect(fromColumn(column)).toBe(given)
      }),
    )
  })

  it('is the text itself where nothing stands in the way', () => {
    expect(toColumn('alice@example.com Zoë 🗝')).toBe('alice@example.com Zoë 🗝')
  })

  it('keeps what begins with a prefix beginning with it', () => {
    expect(toColumn('a\\b:1').startsWith(toColumn('a\\b:'))).toBe(true)
  })
})
