/** What a subject may be: it ends up in lists, logs and keys. */
import { invalidField } from './errors.ts'

const longestSubject = 256
// No control or formatting characters, no lone surrogates.
const unfit = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

/** Throws `invalid-request` for what is no subject. */
export function checkSubject(subject: unknown): asserts subject is string {
  if (subject === undefined) throw invalidField('subject', 'is required')
  if (typeof subject !== 'string') throw invalidField('subject', 'must be text')
  if (subject.trim() === '') throw invalidField('subject', 'must not be blank')
  if (subject.length > longestSubject) throw invalidField('subject', `must have at most ${longestSubject} characters`)
  if (unfit.test(subject)) throw invalidField('subject', 'must not hold control characters')
}
