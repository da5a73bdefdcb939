/** Counts requests and measures them. A label is a route of ours or `none`: no path of a client becomes a series. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Metrics } from '../metrics/metrics.ts'
import type { Ended } from './endings.ts'

const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

function isStream(reply: FastifyReply): boolean {
  return String(reply.raw.getHeader('content-type') ?? '').startsWith('text/event-stream')
}

function labelsOf(request: FastifyRequest, reply: FastifyReply): Parameters<Metrics['requestEnded']>[0] {
  return {
    method: methods.has(request.method) ? request.method : 'other',
    route: request.routeOptions.url ?? 'none',
    status: `${Math.trunc(reply.statusCode / 100)}xx`,
  }
}

export function installRequestMetrics(app: FastifyInstance, metrics: Metrics, whenEnded: (listener: Ended) => void): void {
  app.addHook('onRequest', (_request, _reply, done) => {
    metrics.requestBegun()
    done()
  })
  whenEnded((request, reply) => {
    metrics.requestEnded(labelsOf(request, reply), isStream(reply) ? undefined : reply.elapsedTime / 1000)
  })
}
