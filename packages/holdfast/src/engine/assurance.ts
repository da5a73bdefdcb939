/** What `amr` and `acr` may be: they go into access tokens, whose check bounds them likewise, and into a challenge header. */
import type { Elevation } from '../store/store.ts'
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

/**
 * What an access token says of the step-up whose rights it carries, in 32 bits: the instant at which that was made, which no
 * two of a session share as their ends may. It repeats after 49 days, when the token has long expired. 0 for none.
 */
export function stepUpMark(elevation: Elevation | null): number {
  return elevation === null ? 0 : (elevation.since ?? elevation.until) % 2 ** 32
}
