/** User names: the form in which two of them are the same, and what one may not be. */

/** NFKC leaves these alone, and they fold to no other letter than their own. */
const ascii = /^[\0-\x7f]*$/

/**
 * The form in which names are compared: NFKC and full case folding (down, up and down, so that `ẞ` and `ß` meet `SS`
 * and the long s meets `s`), so that variants by width, case or composition are one name, with one budget.
 */
export function nameKey(name: string): string {
  if (ascii.test(name)) return name.toLowerCase()
  return name.normalize('NFKC').toLowerCase().toUpperCase().toLowerCase().normalize('NFKC')
}

/** Scripts of living languages, those first that most names are written in. */
const scripts: readonly (readonly [name: string, letters: RegExp])[] = [
  ['Latin', /^\p{scx=Latin}$/u],
  ['Cyrillic', /^\p{scx=Cyrillic}$/u],
  ['Greek', /^\p{scx=Greek}$/u],
  ['Han', /^\p{scx=Han}$/u],
  ['Hiragana', /^\p{scx=Hiragana}$/u],
  ['Katakana', /^\p{scx=Katakana}$/u],
  ['Hangul', /^\p{scx=Hangul}$/u],
  ['Bopomofo', /^\p{scx=Bopomofo}$/u],
  ['Arabic', /^\p{scx=Arabic}$/u],
  ['Hebrew', /^\p{scx=Hebrew}$/u],
  ['Devanagari', /^\p{scx=Devanagari}$/u],
  ['Bengali', /^\p{scx=Bengali}$/u],
  ['Gurmukhi', /^\p{scx=Gurmukhi}$/u],
  ['Gujarati', /^\p{scx=Gujarati}$/u],
  ['Oriya', /^\p{scx=Oriya}$/u],
  ['Tamil', /^\p{scx=Tamil}$/u],
  ['Telugu', /^\p{scx=Telugu}$/u],
  ['Kannada', /^\p{scx=Kannada}$/u],
  ['Malayalam', /^\p{scx=Malayalam}$/u],
  ['Sinhala', /^\p{scx=Sinhala}$/u],
  ['Thai', /^\p{scx=Thai}$/u],
  ['Lao', /^\p{scx=Lao}$/u],
  ['Tibetan', /^\p{scx=Tibetan}$/u],
  ['Myanmar', /^\p{scx=Myanmar}$/u],
  ['Khmer', /^\p{scx=Khmer}$/u],
  ['Georgian', /^\p{scx=Georgian}$/u],
  ['Armenian', /^\p{scx=Armenian}$/u],
  ['Ethiopic', /^\p{scx=Ethiopic}$/u],
  ['Mongolian', /^\p{scx=Mongolian}$/u],
  ['Cherokee', /^\p{scx=Cherokee}$/u],
  ['Thaana', /^\p{scx=Thaana}$/u],
]

/** Writing systems of several scripts, which one name may mix (UTS 39, "highly restrictive"). */
const writtenTogether: readonly (readonly string[])[] = [
  ['Latin', 'Han', 'Hiragana', 'Katakana'],
  ['Latin', 'Han', 'Bopomofo'],
  ['Latin', 'Han', 'Hangul'],
]

/** The scripts that a letter may belong to: several for marks that more than one uses, `undefined` for all. */
function scriptsOf(letter: string): readonly string[] | undefined {
  if (!/\p{L}|\p{M}/u.test(letter) || /\p{scx=Common}|\p{scx=Inherited}/u.test(letter)) return undefined
  const found = scripts.filter(([, letters]) => letters.test(letter)).map(([name]) => name)
  return found.length === 0 ? ['other'] : found
}

/**
 * Whether a name mixes scripts that nobody writes together, such as a Cyrillic а in a Latin name: two such names look
 * the same to whoever reads them.
 */
export function mixesScripts(name: string): boolean {
  const letters = [...new Set(name.normalize('NFKC'))].map(scriptsOf).filter((found) => found !== undefined)
  const systems = [...scripts.map(([script]) => [script]), ['other'], ...writtenTogether]
  return !systems.some((system) => letters.every((found) => found.some((script) => system.includes(script))))
}
