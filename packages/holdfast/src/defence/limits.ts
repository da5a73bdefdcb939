/**
 * Rate limits: how often one source may do something per window, counted in the shared store, so that every node and
 * every restart knows the same.
 *
 * One atomic addition per use. A window begins with the first use and ends by itself, so that a burst around its end
 * is at most twice the limit: enough to keep a store or a queue from filling. What guards a password slides
 * (`sliding.ts`). What is refused is not counted: whoever waits as told gets in.
 */
import type { Clock } from '../engine/clock.ts'
import { ConfigurationError, HoldfastError } from '../engine/errors.ts'
import { sourceOf } from '../engine/network.ts'
import { checkHasMethods } from '../engine/option-checks.ts'
import { checkOptionsObject, day, type Report, readCount, unknownNames } from '../engine/option-readers.ts'
import type { CounterStore } from '../store/counters.ts'
import { counting, secondsUntil } from './counting.ts'

export { sourceOf } from '../engine/network.ts'

export interface RateLimitOptions {
  readonly counters: CounterStore
  readonly clock: Clock
  /** What is counted: the prefix of its keys, which tells them from those of other limits. */
  readonly name: string
  /** At most this many, 1 or more, … */
  readonly most: number
  /** … within this many milliseconds, 1 or more. */
  readonly windowMs: number
  /** What whoever is refused is told: safe to show. */
  readonly detail: string
}

export interface RateLimit {
  /**
   * Takes one from the budget of the address's source: IPv4 /32, IPv6 /64. Throws `rate-limited` with the seconds
   * to wait when it is spent, `store-unavailable` when that cannot be told.
   */
  spend(ip: string | undefined): Promise<void>
  /** The same, from the budget of whatever `key` names. */
  spendFor(key: string): Promise<void>
}

const optionNames: readonly (keyof RateLimitOptions)[] = ['counters', 'clock', 'name', 'most', 'windowMs', 'detail']
const longestWindow = 400 * day

function check(options: RateLimitOptions): void {
  checkOptionsObject(options)
  const found = unknownNames(options, optionNames, '')
  const report: Report = (problem) => found.push(problem)
  checkHasMethods(options.counters, 'counters', 'the `counters` of a store', ['add'], report)
  checkHasMethods(options.clock, 'clock', 'a clock', ['now'], report)
  for (const field of ['name', 'detail'] as const) {
    if (typeof options[field] !== 'string' || options[field] === '') report({ field, message: 'must be text, and not empty' })
  }
  // No default to stand in: a limit that nobody set is none.
  readCount(options.most ?? null, 'most', { default: 1, min: 1, max: Number.MAX_SAFE_INTEGER }, report)
  readCount(options.windowMs ?? null, 'windowMs', { default: 1, min: 1, max: longestWindow }, report)
  if (found.length > 0) throw new ConfigurationError(found)
}

/**
 * A limit over the counters of a store; of parallel callers on every node no more than `most` pass. Throws
 * `ConfigurationError` listing every wrong option.
 */
export function createRateLimit(options: RateLimitOptions): RateLimit {
  check(options)
  const { counters, clock, name, most, windowMs, detail } = options
  const spendFor = async (key: string): Promise<void> => {
    const { count, resetsAt } = await counting(() =>
      counters.add(`${name}:${key}`, 1, { now: clock.now(), windowMs, atMost: most }),
    )
    if (count <= most) return
    throw new HoldfastError('rate-limited', { detail, retryAfter: secondsUntil(resetsAt, clock.now()) })
  }
  return { spend: (ip) => spendFor(sourceOf(ip)), spendFor }
}
