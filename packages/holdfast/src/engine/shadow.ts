/** Shadow mode: what a stricter policy would have done is told, and nothing is done. */
import { checkGroup, type Report, readChoice } from './option-readers.ts'
import { type ChangePolicy, changePolicies } from './policies.ts'

/** Policies to try before they are set; each must be stricter than the one that is. */
export interface ShadowOptions {
  readonly fingerprint?: Exclude<ChangePolicy, 'off'>
  readonly ipChange?: Exclude<ChangePolicy, 'off'>
}

/** Null: nothing is tried. */
export interface ShadowSettings {
  readonly fingerprint: ChangePolicy | null
  readonly ipChange: ChangePolicy | null
}

export const noShadow: ShadowSettings = { fingerprint: null, ipChange: null }
const names = ['fingerprint', 'ipChange'] as const

/** `set`: the policies that are in force. */
export function readShadow(
  given: ShadowOptions | undefined,
  set: Readonly<Record<(typeof names)[number], ChangePolicy>>,
  report: Report,
): ShadowSettings {
  checkGroup(given, 'shadow', names, report)
  if (typeof given !== 'object' || given === null) return noShadow
  const read = (name: (typeof names)[number]): ChangePolicy | null => {
    if (given[name] === undefined) return null
    const policy = readChoice(given[name], `shadow.${name}`, changePolicies, 'revoke', report)
    const isStricter = changePolicies.indexOf(policy) > changePolicies.indexOf(set[name])
    if (!isStricter) report({ field: `shadow.${name}`, message: `must be stricter than ${name}, which is ${set[name]}` })
    return policy
  }
  return { fingerprint: read('fingerprint'), ipChange: read('ipChange') }
}
