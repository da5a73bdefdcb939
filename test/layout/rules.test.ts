/** House rules that no linter here knows: where time, randomness and cryptography live, and how long a file may be. */
import { describe, expect, it } from 'vitest'
import { runtimeSpecifiersOf, sourceFiles, specifiersOf, withoutComments } from '../support/source.ts'
import { library, root } from '../support/workspace.ts'

const source = sourceFiles(`${library}/src`)

/** Words that only the named files may say: everything else gets a clock and randomness by injection. */
const reserved: readonly { readonly what: string; readonly words: RegExp; readonly owners: readonly string[] }[] = [
  {
    what: 'reads the wall clock',
    words: /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.now\b|\bhrtime\b/,
    owners: ['engine/clock.ts'],
  },
  {
    what: 'sets a timer',
    words: /\bset(?:Timeout|Interval)\b/,
    owners: ['engine/clock.ts', 'store/patience.ts'],
  },
  { what: 'waits for a turn of the event loop', words: /\bsetImmediate\b|\bnode:timers\b/, owners: ['store/turn.ts'] },
  {
    what: 'draws randomness',
    words: /\bMath\.random\b|\brandomUUID\b|\brandomBytes\b|\bgetRandomValues\b/,
    owners: ['engine/crypto.ts'],
  },
  { what: 'uses WebCrypto', words: /\bcrypto\.subtle\b|\bwebcrypto\b/, owners: ['engine/crypto.ts'] },
]

describe.each(reserved)('of the library, code that $what', ({ words, owners }) => {
  it(`stands in ${owners.join(' and ')} only`, () => {
    const others = source.filter(({ path, text }) => !owners.includes(path) && words.test(withoutComments(text)))
    expect(others.map(({ path }) => path)).toEqual([])
  })
})

describe('the library', () => {
  it('imports node:crypto in one file', () => {
    const importers = source.filter(({ text }) => specifiersOf(text).some((name) => /^(?:node:)?crypto$/.test(name)))
    expect(importers.map(({ path }) => path)).toEqual(['engine/crypto.ts'])
  })

  it('imports no package at run time', () => {
    const packages = source.flatMap(({ path, text }) =>
      runtimeSpecifiersOf(text)
        .filter((name) => !name.startsWith('.') && !name.startsWith('node:'))
        .map((name) => `${path}: ${name}`),
    )
    expect(packages.filter((found) => !found.startsWith('react/'))).toEqual([])
  })
})

describe('a source file', () => {
  /** Past this a file wants splitting. */
  const ceiling = 300

  it(`has at most ${ceiling} lines`, () => {
    const long = sourceFiles(root)
      .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
      .filter(({ lines }) => lines > ceiling)
    expect(long).toEqual([])
  })
})
