/** Reading one option: what is wrong with it is reported, and the default stands in. */
import type { FieldProblem } from '../shared/wire.ts'
import { milliseconds } from './duration.ts'
import { ConfigurationError } from './errors.ts'

export type Report = (problem: FieldProblem) => void

export const second: number = 1000
export const minute: number = 60 * second
export const hour: number = 60 * minute
export const day: number = 24 * hour
/** Cookies and sessions beyond 400 days are cut by browsers (RFC 6265bis) and help nobody. */
export const longestLimit: number = 400 * day

export interface Range {
  readonly default: number
  readonly min: number
  readonly max: number
}

/** Throws `ConfigurationError` for what is no object, such as options left out: nothing can be read from it. */
export function checkOptionsObject(options: unknown): asserts options is object {
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return
  throw new ConfigurationError([{ field: 'options', message: 'must be an object' }])
}

/** Names in `given` that are not options: a misspelt option must not silently mean its default. */
export function unknownNames(given: object, known: readonly string[], prefix: string): FieldProblem[] {
  return Object.keys(given)
    .filter((name) => !known.includes(name))
    .map((name) => ({ field: `${prefix}${name}`, message: 'is not an option' }))
}

/** A group of options: what is no object, and names in it that are no options. */
export function checkGroup(value: unknown, field: string, names: readonly string[], report: Report): void {
  if (value === undefined) return
  if (typeof value !== 'object' || value === null) {
    report({ field, message: 'must be an object' })
    return
  }
  unknownNames(value, names, `${field}.`).forEach(report)
}

export function readDuration(value: unknown, field: string, range: Range, report: Report): number {
  if (value === undefined) return range.default
  const ms = milliseconds(value)
  if (ms === undefined || ms < range.min || ms > range.max) {
    report({ field, message: `must be a duration such as '30m', from ${range.min} to ${range.max} ms` })
    return range.default
  }
  return ms
}

export function readChoice<T extends string>(
  value: unknown,
  field: string,
  choices: readonly T[],
  fallback: T,
  report: Report,
): T {
  if (value === undefined) return fallback
  const found = choices.find((choice) => choice === value)
  if (found === undefined) report({ field, message: `must be one of ${choices.join(', ')}` })
  return found ?? fallback
}

export function readCount(value: unknown, field: string, range: Range, report: Report): number {
  if (value === undefined) return range.default
  if (typeof value === 'number' && Number.isInteger(value) && value >= range.min && value <= range.max) return value
  report({ field, message: `must be a whole number from ${range.min} to ${range.max}` })
  return range.default
}
