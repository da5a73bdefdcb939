/** Options of a denylist: parsed once, every problem reported at once. */
import { type Clock, systemClock } from '../../engine/clock.ts'
import { type Duration, milliseconds } from '../../engine/duration.ts'
import { ConfigurationError } from '../../engine/errors.ts'
import type { FaultLogger } from '../../engine/events.ts'
import { unfailing } from '../../engine/hook.ts'
import { checkHooks } from '../../engine/option-checks.ts'
import { checkOptionsObject, unknownNames } from '../../engine/option-readers.ts'
import type { FieldProblem } from '../../shared/wire.ts'
import type { Denylist } from '../../store/denylist.ts'

export interface DenylistOptions {
  /** Any store of Holdfast: where denials live, for every node that shares it. */
  readonly store: { readonly denylist: Denylist }
  /**
   * The longest time from `iat` to `exp` of the app's tokens. Denials of many tokens are kept that long, and a token
   * that outlives it is refused: it would outlive its denial. `unlimited` keeps them for ever.
   */
  readonly tokenLifetime: Duration | 'unlimited'
  /** Which app this is, where several share a store: 1 to 64 characters. Default `default`. */
  readonly name?: string
  /** The claim that names the subject. Default `sub`. */
  readonly subjectClaim?: string
  /** How far apart the clocks may be of who issues and who revokes. Default 1 s; at most 5 min. */
  readonly clockSkew?: Duration
  /**
   * **Weaker**: how long a node may go on believing that a token is not denied. Default 0: the store is asked each
   * time; at most 1 s.
   */
  readonly trustClear?: Duration
  /** Denials, and answers that `trustClear` allows, that a node remembers. Default 10 000. */
  readonly remembered?: number
  /** Time that a check may take before it is "cannot tell". Default 500 ms. */
  readonly checkDeadline?: Duration
  /** Time that a revocation may take. Default 2 s. */
  readonly writeDeadline?: Duration
  /** How often denials that have served their time are deleted. Default 5 min. */
  readonly sweepEvery?: Duration
  readonly clock?: Clock
  /** Told of faults in the background. Default: a line on standard error. */
  readonly onFault?: FaultLogger
}

export interface DenylistSettings {
  readonly denials: Denylist
  /** Infinite for `unlimited`. */
  readonly tokenLifetime: number
  readonly name: string
  readonly subjectClaim: string
  readonly clockSkew: number
  readonly trustClear: number
  readonly remembered: number
  readonly checkDeadline: number
  readonly writeDeadline: number
  readonly sweepEvery: number
  readonly clock: Clock
  readonly onFault: FaultLogger
}

const second = 1000
const minute = 60 * second
const day = 24 * 60 * minute

const durations = {
  tokenLifetime: { fallback: undefined, min: second, max: 400 * day },
  clockSkew: { fallback: second, min: 0, max: 5 * minute },
  trustClear: { fallback: 0, min: 0, max: second },
  checkDeadline: { fallback: 500, min: 10, max: minute },
  writeDeadline: { fallback: 2 * second, min: 10, max: 5 * minute },
  sweepEvery: { fallback: 5 * minute, min: second, max: day },
} as const

const optionNames: readonly (keyof DenylistOptions)[] = [
  'store',
  'tokenLifetime',
  'name',
  'subjectClaim',
  'clockSkew',
  'trustClear',
  'remembered',
  'checkDeadline',
  'writeDeadline',
  'sweepEvery',
  'clock',
  'onFault',
]

function logToStandardError(fault: unknown, doing: string): void {
  console.error(`holdfast: fault while ${doing}: ${fault instanceof Error ? fault.message : 'unknown'}`)
}

/** Throws `ConfigurationError` listing every problem. */
export function parseDenylistOptions(options: DenylistOptions): DenylistSettings {
  checkOptionsObject(options)
  const found: FieldProblem[] = unknownNames(options, optionNames, '')
  checkHooks(options, (problem) => found.push(problem))
  const duration = (field: keyof typeof durations): number => {
    const { fallback, min, max } = durations[field]
    const value = options[field]
    const ms = value === undefined ? fallback : milliseconds(value)
    if (ms !== undefined && ms >= min && ms <= max) return ms
    found.push({ field, message: `must be a duration such as '15m', from ${min} to ${max} ms` })
    return min
  }
  const text = (field: 'name' | 'subjectClaim', fallback: string): string => {
    const value = options[field] ?? fallback
    if (typeof value !== 'string' || !/^[\x21-\x7e]{1,64}$/.test(value)) {
      found.push({ field, message: 'must be 1 to 64 printable ASCII characters' })
    }
    return value
  }
  const { store, remembered = 10_000, clock = systemClock, onFault = logToStandardError } = options
  const methods = (['put', 'find', 'sweep'] as const).filter((name) => typeof store?.denylist?.[name] !== 'function')
  if (methods.length > 0) found.push({ field: 'store', message: 'must be a store with a denylist' })
  if (!Number.isInteger(remembered) || remembered < 0 || remembered > 1_000_000) {
    found.push({ field: 'remembered', message: 'must be a whole number from 0 to 1000000' })
  }
  const settings: DenylistSettings = {
    denials: store?.denylist,
    tokenLifetime: options.tokenLifetime === 'unlimited' ? Number.POSITIVE_INFINITY : duration('tokenLifetime'),
    name: text('name', 'default'),
    subjectClaim: text('subjectClaim', 'sub'),
    clockSkew: duration('clockSkew'),
    trustClear: duration('trustClear'),
    remembered,
    checkDeadline: duration('checkDeadline'),
    writeDeadline: duration('writeDeadline'),
    sweepEvery: duration('sweepEvery'),
    clock,
    onFault: unfailing(onFault),
  }
  if (found.length > 0) throw new ConfigurationError(found)
  return settings
}
