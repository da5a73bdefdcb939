/** Faults at the n-th call of everything that a server keeps things in, counted over all of it. */
import { HoldfastError } from 'holdfast'
import type { FaultyStore } from 'holdfast/testing'

export type When = 'before' | 'after'

export interface NthFault {
  /** The same object, its calls counted. What it throws is `store-unavailable`, as the stores of the server do. */
  wrap<T extends object>(target: T): T
  /** The n-th call from now on (1 is the next) fails, before its effect or with its answer lost. */
  failAt(n: number, when: When): void
  /** Whether the call came; from here on none fails. */
  recover(): boolean
}

export function nthFault(): NthFault {
  let calls = 0
  let plan: { readonly n: number; readonly when: When } | undefined
  const through = (run: () => unknown): unknown => {
    calls += 1
    if (calls !== plan?.n) return run()
    const lost = new HoldfastError('store-unavailable', { retryAfter: 1 })
    if (plan.when === 'before') throw lost
    return Promise.resolve(run()).then(() => Promise.reject(lost))
  }
  const wrap = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(object, name) {
        const value: unknown = Reflect.get(object, name, object)
        if (parts.has(name)) return wrap(value as object)
        if (typeof value !== 'function' || name === Symbol.asyncDispose) return value
        return (...args: unknown[]): unknown => through(() => Reflect.apply(value, object, args))
      },
    })
  return {
    wrap,
    failAt(n, when) {
      calls = 0
      plan = { n, when }
    },
    recover() {
      const reached = plan !== undefined && calls >= plan.n
      plan = undefined
      return reached
    },
  }
}

/** Parts of a session store that have calls of their own; its change feed answers from memory. */
const parts: ReadonlySet<PropertyKey> = new Set<keyof FaultyStore>(['tickets', 'counters', 'denylist'])
