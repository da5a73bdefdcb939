/** How many anonymous sessions one source may start: without it, visitors without cookies fill the store. */
import type { Clock } from '../engine/clock.ts'
import { HoldfastError, storeUnavailable } from '../engine/errors.ts'
import { networkOf } from '../engine/network.ts'
import type { Count, CounterStore } from '../store/counters.ts'

export interface AnonymousBudgetOptions {
  readonly counters: CounterStore
  readonly clock: Clock
  /** Sessions per minute and source. */
  readonly perMinute: number
}

export interface AnonymousBudget {
  /** Takes one from the source's budget. Throws `rate-limited` when it is spent, `store-unavailable` when it cannot be read. */
  spend(ip: string | undefined): Promise<void>
}

const windowMs = 60_000

/** IPv4 by address, IPv6 by /64: one household or host holds a whole /64. Requests of unknown source share one budget. */
export function sourceOf(ip: string | undefined): string {
  if (ip === undefined) return 'unknown'
  return ip.includes(':') ? `${networkOf(ip)}::/64` : ip
}

export function createAnonymousBudget({ counters, clock, perMinute }: AnonymousBudgetOptions): AnonymousBudget {
  const add = async (key: string): Promise<Count> => {
    try {
      return await counters.add(key, 1, { now: clock.now(), windowMs, atMost: perMinute })
    } catch (cause) {
      throw storeUnavailable(cause)
    }
  }
  return {
    async spend(ip) {
      const { count, resetsAt } = await add(`anonymous:${sourceOf(ip)}`)
      if (count <= perMinute) return
      const retryAfter = Math.max(1, Math.ceil((resetsAt - clock.now()) / 1000))
      throw new HoldfastError('rate-limited', {
        detail: 'too many anonymous sessions were started from this network',
        retryAfter,
      })
    },
  }
}
