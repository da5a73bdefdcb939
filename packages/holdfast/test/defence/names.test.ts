import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nameKey } from '../../src/defence/names.ts'

/** What the form is, whatever shorter way there is to it. */
function folded(name: string): string {
  return name.normalize('NFKC').toLowerCase().toUpperCase().toLowerCase().normalize('NFKC')
}

describe('the form in which names are compared', () => {
  test('is NFKC and full case folding for every name', () => {
    const ascii = fc.string({ unit: 'binary-ascii', maxLength: 20 })
    const any = fc.string({ unit: 'binary', maxLength: 20 })
    fc.assert(fc.property(fc.oneof(ascii, any), (name) => nameKey(name) === folded(name)))
    for (let code = 0; code < 0x3000; code += 1) {
      const letter = String.fromCodePoint(code)
      expect(nameKey(`a${letter}B`), code.toString(16)).toBe(folded(`a${letter}B`))
    }
  })

  test.each([
    ['the Kelvin sign', '\u212Aim', 'kim'],
    ['the long s', 'ro\u017Fe', 'ROSE'],
    ['a full-width letter', '\uFF21lice', 'alice'],
    ['sharp s', 'stra\u00DFe', 'STRASSE'],
  ])('makes one name of %s', (_, one, other) => {
    expect(nameKey(one)).toBe(nameKey(other))
  })
})
