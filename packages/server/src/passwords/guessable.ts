/**
 * Recognises passwords that are long but easy to guess. Lists of leaked passwords hold few of 15 characters or more;
 * the common ones of that length are built from short ones, so this looks at the parts: common passwords,
 * what belongs to the owner, sequences, repeats. One or two such parts and next to nothing else is refused; three
 * or more different words (a passphrase) are not.
 */
import { commonWords } from './common-words.ts'

const fewestDistinct = 5
const longestPeriod = 5
const mostKnownParts = 2
const mostOwnCharacters = 3
const shortestSequence = 3
const shortestOwnersWord = 3

const sequences: readonly string[] = [
  'abcdefghijklmnopqrstuvwxyz',
  '01234567890123456789',
  'qwertyuiop',
  'asdfghjkl',
  'zxcvbnm',
  'qwertzuiop',
  'azertyuiop',
  'qazwsxedcrfvtgbyhnujmikolp',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p',
  '1q2w3e4r5t6y7u8i9o0p',
].flatMap((row) => [row, [...row].reverse().join('')])

const substitutes: Readonly<Record<string, string>> = {
  0: 'o',
  1: 'i',
  3: 'e',
  4: 'a',
  5: 's',
  7: 't',
  '@': 'a',
  $: 's',
  '!': 'i',
}

const longestWord = Math.max(...[...commonWords].map((word) => word.length))

/** Longest stretch at `start` that runs along a keyboard, the alphabet or the digits, or repeats one character. */
function sequenceLength(text: string, start: number): number {
  let length = 1
  while (text[start + length] === text[start]) length += 1
  for (const row of sequences) {
    let reach = Math.max(length, shortestSequence - 1)
    while (start + reach < text.length && row.includes(text.slice(start, start + reach + 1))) reach += 1
    if (reach >= shortestSequence && row.includes(text.slice(start, start + reach))) length = Math.max(length, reach)
  }
  return length >= shortestSequence ? length : 0
}

function wordLength(text: string, start: number, words: ReadonlySet<string>, longest: number): number {
  for (let length = Math.min(longest, text.length - start); length > 0; length -= 1) {
    if (words.has(text.slice(start, start + length))) return length
  }
  return 0
}

interface Parts {
  readonly known: ReadonlySet<string>
  /** Characters that belong to no known part; of spaces and punctuation each kind counts once. */
  readonly own: number
}

function partsOf(text: string, ownersWords: ReadonlySet<string>): Parts {
  const known = new Set<string>()
  const longestOwners = Math.max(0, ...[...ownersWords].map((word) => word.length))
  const separators = new Set<string>()
  let own = 0
  let at = 0
  while (at < text.length) {
    const length = Math.max(
      wordLength(text, at, commonWords, longestWord),
      wordLength(text, at, ownersWords, longestOwners),
      /^(19|20)\d\d/.test(text.slice(at, at + 4)) ? 4 : 0,
      sequenceLength(text, at),
    )
    const character = text[at] ?? ''
    if (length > 0) known.add(text.slice(at, at + length))
    else if (/[\s\p{P}]/u.test(character)) separators.add(character)
    else own += 1
    at += Math.max(length, 1)
  }
  return { known, own: own + separators.size }
}

/** Length of the shortest piece whose repetition is the whole text. */
function period(text: string): number {
  const again = (text + text).indexOf(text, 1)
  return again === -1 ? text.length : again
}

/** Whether the password is made of little but common parts. `ownersWords`: user name, address, name of the service. */
export function isGuessable(password: string, ownersWords: readonly string[]): boolean {
  const plain = password.normalize('NFKC').toLowerCase()
  if (new Set(plain).size < fewestDistinct || period(plain) <= longestPeriod) return true
  const owners = new Set(
    ownersWords.map((word) => word.normalize('NFKC').toLowerCase()).filter((word) => word.length >= shortestOwnersWord),
  )
  const spellings = [plain, [...plain].map((character) => substitutes[character] ?? character).join('')]
  return spellings.some((text) => {
    const { known, own } = partsOf(text, owners)
    return known.size <= mostKnownParts && own <= mostOwnCharacters
  })
}
