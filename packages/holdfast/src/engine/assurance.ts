/** What `amr` and `acr` may be: they go into access tokens, whose check bounds them likewise, and into a challenge header. */
import { invalidField } from './errors.ts'

const mostMethods = 16
const longestName = 256
const printable = /^[\x20-\x7e]+$/

const isName = (value: unknown): boolean => typeof value === 'string' && value.length <= longestName && printable.test(value)

/** The methods, copied. Throws `invalid-request` for what are none. */
export function checkMethods(amr: readonly string[]): readonly string[] {
  if (!Array.isArray(amr) || amr.length > mostMethods || !amr.every(isName)) {
    throw invalidField('amr', `must be a list of at most ${mostMethods} names of 1 to ${longestName} printable ASCII characters`)
  }
  return [...amr]
}

/** Throws `invalid-request` for what is no level of assurance. */
export function checkLevel(acr: string | null): string | null {
  if (acr !== null && !isName(acr)) throw invalidField('acr', `must be 1 to ${longestName} printable ASCII characters`)
  return acr
}
