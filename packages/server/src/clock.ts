/** Time: the only file of the server that reads the clock or waits. */

/** Milliseconds since 1970. */
export type Now = () => number
export const systemNow: Now = () => Date.now()

/** Resolves with `undefined` after `ms` unless the promise settles first. Never keeps the process alive. */
export async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
    timer.unref()
  })
  try {
    return await Promise.race([promise, limit])
  } finally {
    clearTimeout(timer)
  }
}

/** Aborts after `ms`. Never keeps the process alive. */
export function timeLimit(ms: number): AbortSignal {
  return AbortSignal.timeout(ms)
}
