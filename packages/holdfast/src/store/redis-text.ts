/** Texts inside a stored record, whose parts are divided by control characters. */

/** Begins a record, divides its fields, and comes before what a later release added or a revocation says. */
export const mark = { record: '\x1e', field: '\x1f', later: '\x1d', revocation: '\x1c' } as const

/** Instead of a text: the same as another field of the record. */
export const same = '='

/** What must be spelled as JSON: control characters, half surrogate pairs (no UTF-8), what looks like JSON or `same`. */
const awkward = /^["=]|\p{Cc}|\p{Cs}/u

export function packText(text: string | null): string {
  if (text === null) return ''
  return text === '' || awkward.test(text) ? JSON.stringify(text) : text
}

/** Throws when the text was not written by `packText`. */
export function unpackText(packed: string): string | null {
  if (packed === '') return null
  if (packed.charCodeAt(0) !== 34) return packed
  const text: unknown = JSON.parse(packed)
  if (typeof text !== 'string') throw new TypeError('a stored text is none')
  return text
}

/**
 * Pieces that most user agents are made of, each stored as one control character. Part of the stored format:
 * pieces are added at the end and never changed. Longer ones that begin with a shorter one come before it.
 */
const pieces = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) ',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ',
  'Mozilla/5.0 (X11; Linux x86_64) ',
  'Mozilla/5.0 (iPhone; CPU iPhone OS ',
  'Mozilla/5.0 (iPad; CPU OS ',
  'Mozilla/5.0 (Linux; Android ',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:',
  'Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:',
  'Mozilla/5.0 (X11; Linux x86_64; rv:',
  'Mozilla/5.0 (',
  'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/',
  'AppleWebKit/605.1.15 (KHTML, like Gecko) Version/',
  'AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/',
  'AppleWebKit/',
  ' (KHTML, like Gecko) ',
  '.0.0.0 Safari/537.36',
  '.0.0.0 Mobile Safari/537.36',
  ' Safari/605.1.15',
  ' Mobile/15E148 Safari/604.1',
  ' like Mac OS X) ',
  ' Gecko/20100101 Firefox/',
] as const

const longest = 2048
const mostKnown = 4096
const packedAgents: Map<string, string> = new Map()
const knownAgents: Map<string, string> = new Map()

export function packUserAgent(agent: string | null): string {
  if (agent === null || agent === '' || awkward.test(agent)) return packText(agent)
  return remembered(packedAgents, agent, () =>
    pieces.reduce((text, piece, at) => text.replaceAll(piece, String.fromCharCode(at + 1)), agent),
  )
}

export function unpackUserAgent(packed: string): string | null {
  if (packed === '' || packed.charCodeAt(0) === 34) return unpackText(packed)
  return remembered(knownAgents, packed, () =>
    packed.replaceAll(/\p{Cc}/gu, (character) => {
      const code = character.charCodeAt(0)
      // U+007F to U+009F are awkward, hence never packed.
      const piece = pieces[code - 1]
      if (piece === undefined) throw new TypeError('a stored user agent is damaged')
      return piece
    }),
  )
}

/** The same few texts come up again and again. Bounded: forgets all when full. */
function remembered(known: Map<string, string>, text: string, work: () => string): string {
  const found = known.get(text)
  if (found !== undefined) return found
  const made = work()
  if (text.length <= longest) {
    if (known.size >= mostKnown) known.clear()
    known.set(text, made)
  }
  return made
}
