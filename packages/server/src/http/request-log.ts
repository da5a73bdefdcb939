/** One line per request: what was asked and how it ended. No header, body, query or credential. */
import type { FastifyRequest } from 'fastify'
import { printable } from '../logging.ts'
import type { Ended } from './endings.ts'

/** Probes come every few seconds and say nothing. */
const quiet: ReadonlySet<string> = new Set(['/healthz', '/readyz'])

function pathOf(request: FastifyRequest): string {
  const [path = ''] = request.url.split('?', 1)
  return printable(path)
}

export function installRequestLog(whenEnded: (listener: Ended) => void): void {
  whenEnded((request, reply) => {
    const path = pathOf(request)
    const level = quiet.has(path) ? 'debug' : 'info'
    request.log[level](
      {
        method: request.method,
        path,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        ip: request.holdfast?.ip,
        session: request.holdfast?.session?.id,
        // Its client had gone before the answer was with the connection.
        aborted: reply.raw.writableFinished ? undefined : true,
      },
      'Request',
    )
  })
}
