/** Follows the trail of security events: whoever waits is given what was appended, by whatever node. */
import type { Clock } from 'holdfast'
import { every } from './clock.ts'
import type { EventLog, StoredEvent } from './events.ts'
import type { OnFault } from './fault-log.ts'

export interface EventFeed {
  /** The next events after a sequence, at most a page, as soon as there are some; none once the signal aborts or the feed is closed. */
  next(after: number, signal: AbortSignal): Promise<readonly StoredEvent[]>
  /** Nobody waits any more. */
  close(): void
}

interface Waiter {
  readonly after: number
  readonly wake: () => void
}

const pollMs = 500
const page = 100

/** One look at the log for all who wait: a hundred readers cost no more than one. */
export function createEventFeed(log: EventLog, clock: Clock | undefined, onFault: OnFault): EventFeed {
  const waiters = new Set<Waiter>()
  let isClosed = false
  let stopPolling: (() => void) | undefined

  async function poll(): Promise<void> {
    try {
      const last = (await log.last())?.sequence ?? 0
      for (const { after, wake } of waiters) if (last > after) wake()
    } catch (fault) {
      onFault(fault, 'following the trail of security events')
    }
  }

  function join(waiter: Waiter): void {
    waiters.add(waiter)
    stopPolling ??= every(pollMs, clock, poll)
  }

  function leave(waiter: Waiter): void {
    waiters.delete(waiter)
    if (waiters.size > 0) return
    stopPolling?.()
    stopPolling = undefined
  }

  function appended(after: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiter = { after, wake }
      function wake(): void {
        leave(waiter)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      signal.addEventListener('abort', wake, { once: true })
      join(waiter)
    })
  }

  return {
    async next(after, signal) {
      for (;;) {
        if (isClosed || signal.aborted) return []
        const found = await log.read({ after, limit: page })
        if (found.length > 0 || isClosed || signal.aborted) return found
        await appended(after, signal)
      }
    },
    close() {
      isClosed = true
      for (const { wake } of waiters) wake()
    },
  }
}
