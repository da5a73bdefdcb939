/** What a new password must be: NIST SP 800-63B-4 3.1.1.2 and ASVS 6.2, for a password that is the only factor. */
import { isGuessable } from './guessable.ts'

export const shortestPassword = 15
export const longestPassword = 256

/** What an attacker knows about the account and would try first. */
export interface PasswordOwner {
  readonly username: string
  readonly email?: string | null | undefined
}

/** What is wrong with a new password, for its owner to read; `undefined` when nothing is. No rule about kinds of characters. */
export function passwordProblem(password: string, owner: PasswordOwner): string | undefined {
  if (!password.isWellFormed()) return 'must be well-formed Unicode text'
  const length = [...password.normalize('NFC')].length
  if (length < shortestPassword) return `must have at least ${shortestPassword} characters; it has ${length}`
  if (length > longestPassword) return `must have at most ${longestPassword} characters`
  const words = [owner.username, ...(owner.email ?? '').split('@'), 'holdfast']
  if (isGuessable(password, words)) return 'is too easy to guess: it is made of common passwords, names or sequences'
  return undefined
}
