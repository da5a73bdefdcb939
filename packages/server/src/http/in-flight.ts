/** Counts requests under way, so that a stop can wait for them and for nothing else. */
import type { FastifyInstance } from 'fastify'

export interface InFlight {
  /** Resolves when no request is under way. */
  none(): Promise<void>
}

export function trackInFlight(app: FastifyInstance): InFlight {
  let count = 0
  let waiting: (() => void)[] = []
  app.addHook('onRequest', (_request, _reply, done) => {
    count += 1
    done()
  })
  app.addHook('onResponse', (_request, _reply, done) => {
    count -= 1
    if (count === 0) {
      for (const resume of waiting) resume()
      waiting = []
    }
    done()
  })
  return { none: () => (count === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))) }
}
