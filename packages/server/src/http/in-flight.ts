/** Counts requests under way, so that a stop can wait for them and for nothing else. */
import type { FastifyInstance } from 'fastify'
import type { Ended } from './endings.ts'

export interface InFlight {
  /** Resolves when no request is under way. */
  none(): Promise<void>
}

export function trackInFlight(app: FastifyInstance, whenEnded: (listener: Ended) => void): InFlight {
  let count = 0
  let waiting: (() => void)[] = []
  app.addHook('onRequest', (_request, _reply, done) => {
    count += 1
    done()
  })
  whenEnded(() => {
    count -= 1
    if (count > 0) return
    for (const resume of waiting) resume()
    waiting = []
  })
  return { none: () => (count === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))) }
}
