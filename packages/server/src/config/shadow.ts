/** Policies to try: told of in the trail of security events, and not done. */
import type { HoldfastOptions } from 'holdfast'
import { bad, good, list, type Parser } from './parse.ts'

export type ShadowSetting = NonNullable<HoldfastOptions['shadow']>

interface Trial {
  readonly option: keyof ShadowSetting
  /** Those that are stricter than what the server does. */
  readonly policies: readonly NonNullable<ShadowSetting[keyof ShadowSetting]>[]
}

const trials: Readonly<Record<string, Trial>> = {
  fingerprint: { option: 'fingerprint', policies: ['revoke'] },
  'ip-change': { option: 'ipChange', policies: ['step-up', 'deny', 'revoke'] },
}

const choices: string = Object.entries(trials)
  .flatMap(([name, { policies }]) => policies.map((policy) => `${name}:${policy}`))
  .join(', ')

const entry: Parser<ShadowSetting> = (given) => {
  const [name = '', chosen, ...rest] = given.split(':')
  const trial = Object.hasOwn(trials, name) && rest.length === 0 ? trials[name] : undefined
  const policy = trial?.policies.find((each) => each === chosen)
  return trial === undefined || policy === undefined ? bad(`must be one of ${choices}`) : good({ [trial.option]: policy })
}

export const shadow: Parser<ShadowSetting> = (given) => {
  const parsed = list(given, entry)
  if (!parsed.ok) return parsed
  const names = parsed.value.flatMap((each) => Object.keys(each))
  if (new Set(names).size !== names.length) return bad('names one change of a client twice')
  return good(Object.assign({}, ...parsed.value))
}
