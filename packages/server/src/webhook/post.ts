/** One attempt to hand a message over. */
import { timeLimit } from '../clock.ts'

export type Outcome =
  | { readonly taken: true }
  /** `why`: in words that hold nothing of the receiver's; `retryAfter`: what it asked for, in ms. */
  | { readonly taken: false; readonly why: string; readonly retryAfter: number }

export interface Post {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** For the whole attempt. */
  readonly deadlineMs: number
  readonly signal: AbortSignal
}

const longestWaitMs = 300_000

function retryAfterOf(response: Response): number {
  const given = response.headers.get('retry-after') ?? ''
  return /^\d{1,6}$/.test(given) ? Math.min(Number(given) * 1000, longestWaitMs) : 0
}

/**
 * Taken is a status of 2xx and nothing else. No redirect is followed: where events go is said by the configuration alone.
 * Nothing of the answer's body is read.
 */
export async function post({ url, headers, body, deadlineMs, signal }: Post): Promise<Outcome> {
  const limit = AbortSignal.any([signal, timeLimit(deadlineMs)])
  try {
    const response = await fetch(url, { method: 'POST', redirect: 'manual', headers, body, signal: limit })
    await response.body?.cancel()
    if (response.ok) return { taken: true }
    return { taken: false, why: `status-${response.status}`, retryAfter: retryAfterOf(response) }
  } catch {
    return { taken: false, why: limit.aborted && !signal.aborted ? 'no-answer-in-time' : 'no-connection', retryAfter: 0 }
  }
}
