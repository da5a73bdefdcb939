/** Time: the only file of the server that reads the clock or waits. */
import type { Clock } from 'holdfast'

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

type After = (ms: number, run: () => void) => () => void

/** Resolves after `ms`, or at once when the signal aborts. Keeps the process alive. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return passed(ms, held, signal)
}

/** Resolves after `ms` of this clock, or at once when the signal aborts. Never keeps the process alive. */
export function delay(ms: number, clock: Clock | undefined, signal: AbortSignal): Promise<void> {
  return passed(ms, clock?.after ?? afterwards, signal)
}

function passed(ms: number, after: After, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const cancel = after(ms, finish)
    signal.addEventListener('abort', finish, { once: true })
    function finish(): void {
      cancel()
      signal.removeEventListener('abort', finish)
      resolve()
    }
  })
}

/** The first time comes soon, so that a process which never lives long does its share too. */
const soonMs = 60_000

function held(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms)
  return () => clearTimeout(timer)
}

function afterwards(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms)
  timer.unref()
  return () => clearTimeout(timer)
}

/** Runs again and again, each time `ms` after the last run ended; returns what stops it. Never keeps the process alive. */
export function every(ms: number, clock: Clock | undefined, run: (now: number) => Promise<void>): () => void {
  const after = clock?.after ?? afterwards
  const now = clock?.now ?? systemNow
  let isStopped = false
  let cancel = after(Math.min(ms, soonMs), turn)
  function turn(): void {
    void run(now()).finally(() => {
      if (!isStopped) cancel = after(ms, turn)
    })
  }
  return () => {
    isStopped = true
    cancel()
  }
}

/** Aborts after `ms`. Never keeps the process alive. */
export function timeLimit(ms: number): AbortSignal {
  return AbortSignal.timeout(ms)
}
