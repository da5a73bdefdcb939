/** Headers on every answer: nothing here is a page, nothing may be kept, framed or sniffed. */
import type { FastifyInstance } from 'fastify'

const always: readonly (readonly [string, string])[] = [
  ['cache-control', 'no-store'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ['cross-origin-resource-policy', 'same-origin'],
  ['referrer-policy', 'no-referrer'],
  ['vary', 'Cookie, Authorization'],
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'DENY'],
]
const oneYear = 31_536_000

/** While the server stops, connections are not kept: the next request goes to another. */
export function installHeaders(app: FastifyInstance, secure: boolean, isStopping: () => boolean): void {
  const headers = Object.fromEntries(
    secure ? [...always, ['strict-transport-security', `max-age=${oneYear}; includeSubDomains`]] : always,
  )
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(headers)
    reply.header('x-request-id', request.id)
    if (isStopping()) reply.header('connection', 'close')
    done()
  })
}
