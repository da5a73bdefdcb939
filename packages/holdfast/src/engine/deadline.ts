/** A limit on how long a store may take. */
import type { Awaitable } from '../store/store.ts'
import type { Clock } from './clock.ts'
import { storeUnavailable } from './errors.ts'

/**
 * The answer, or `store-unavailable` after `ms`. Every fault of the store becomes `store-unavailable`. What is late
 * is not undone: a write that times out may still take effect.
 */
export function within<T>(clock: Clock, ms: number, run: () => Awaitable<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const fail = (cause: unknown) => reject(storeUnavailable(cause))
    let answer: Awaitable<T>
    try {
      answer = run()
    } catch (cause) {
      fail(cause)
      return
    }
    if (!(answer instanceof Promise)) {
      resolve(answer)
      return
    }
    const cancel = clock.after(ms, () => fail(new Error(`the store did not answer within ${ms} ms`)))
    answer.then(
      (value) => {
        cancel()
        resolve(value)
      },
      (cause: unknown) => {
        cancel()
        fail(cause)
      },
    )
  })
}
