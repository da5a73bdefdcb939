/** Login names: what one may be, and when two are the same. User names and e-mail addresses share one space. */

import { mixesScripts, nameKey } from 'holdfast'

export { nameKey as loginKey } from 'holdfast'

export const longestUsername = 64
export const longestEmail = 128

/** Control, format (zero-width, bidirectional), private, unassigned characters, and every space but the plain one. */
const invisible = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u

function textProblem(value: string, longest: number): string | undefined {
  if (value.trim() === '') return 'must not be blank'
  if (value !== value.trim()) return 'must not begin or end with a space'
  if ([...value].length > longest) return `must have at most ${longest} characters`
  if (!value.isWellFormed() || invisible.test(value)) return 'must not contain control or invisible characters'
  // Compatibility forms can unfold to many characters, or to nothing but a space.
  const key = nameKey(value)
  if (key.trim() === '' || [...key].length > longest * 4) return 'must not consist of compatibility characters'
  return undefined
}

/** What is wrong with a user name; `undefined` when nothing is. */
export function usernameProblem(value: string): string | undefined {
  return textProblem(value, longestUsername) ?? (mixesScripts(value) ? 'must not mix letters of several scripts' : undefined)
}

const address = /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)*$/u

/** What is wrong with an e-mail address; `undefined` when it has the shape of one. */
export function emailProblem(value: string): string | undefined {
  return textProblem(value, longestEmail) ?? (address.test(value) ? undefined : 'must be an e-mail address')
}
