/** A store with one well-known mistake, and the check that must find it. */
import { memoryStore } from '../../../src/store/memory.ts'
import type { Store } from '../../../src/store/store.ts'

export interface Control {
  readonly mistake: string
  readonly group: string
  readonly check: string
  open(): Store
}

export function broken(mistake: string, group: string, check: string, breakIt: (sound: Store) => Partial<Store>): Control {
  return {
    mistake,
    group,
    check,
    open: () => {
      const sound = memoryStore()
      return { ...sound, ...breakIt(sound) }
    },
  }
}

/** What a round trip to a database does to a careless program: others get their turn. */
export const elsewhere = () => Promise.resolve()

/** A copy with the methods of its class, which a spread alone would lose. */
export function companion<T extends object>(of: T): T {
  const copy: Record<string, unknown> = {}
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(of))) {
    const method: unknown = Reflect.get(of, name)
    if (typeof method === 'function') copy[name] = method.bind(of)
  }
  return copy as T
}
