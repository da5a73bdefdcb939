/** A session store that fails on demand, around one that works. */
import type { HoldfastOptions } from 'holdfast'

type Store = HoldfastOptions['store']
export type Fault = 'none' | 'writes' | 'all'
const writes: ReadonlySet<PropertyKey> = new Set(['insert', 'replace', 'touch', 'revoke', 'sweep'])

/** A store whose methods throw when told to; its change feed and counters with it. */
export function failingStore(store: Store, fault: () => Fault): Store {
  const shim = <T extends object>(target: T, fails: (name: PropertyKey) => boolean): T =>
    new Proxy(target, {
      get(object, name) {
        const value: unknown = Reflect.get(object, name, object)
        if (typeof value !== 'function') return value
        return (...args: unknown[]): unknown => {
          if (fails(name)) throw new Error('the store is down')
          return Reflect.apply(value, object, args)
        }
      },
    })
  const down = () => fault() === 'all'
  const { changes, counters } = store
  return new Proxy(
    shim(store, (name) => down() || (fault() === 'writes' && writes.has(name))),
    {
      get(object, name) {
        if (name === 'counters') return shim(counters, down)
        if (name === 'changes' && changes !== undefined) return shim(changes, (method) => method === 'confirm' && down())
        return Reflect.get(object, name, object)
      },
    },
  )
}
