/** The arithmetic of counters, the same for every embedded store. */
import type { Count, CounterStore } from './counters.ts'

export type Window = Parameters<CounterStore['add']>[2]

export interface Step {
  /** What to keep. */
  readonly stored: Count
  /** What to answer. */
  readonly answer: Count
}

export function step(before: Count | undefined, amount: number, { now, windowMs, atMost }: Window): Step {
  const running = before !== undefined && before.resetsAt > now ? before : { count: 0, resetsAt: now + windowMs }
  const total = running.count + amount
  if (atMost === undefined || total <= atMost) {
    const next = { count: total, resetsAt: running.resetsAt }
    return { stored: next, answer: next }
  }
  return {
    stored: { count: atMost, resetsAt: running.resetsAt },
    answer: { count: atMost + 1, resetsAt: running.resetsAt },
  }
}
