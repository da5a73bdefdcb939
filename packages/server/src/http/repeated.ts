/**
 * Headers that are sent once, and here more than once: of two, Node reads the first, and a proxy in front of it may have read the
 * other (RFC 9110 5.3; for Host RFC 9112 3.2). Every other header of ours is joined by Node, and refused for what it then holds.
 */
import type { FastifyInstance } from 'fastify'
import { HoldfastError } from 'holdfast'

const once: ReadonlySet<string> = new Set(['authorization', 'content-type', 'host'])

function repeatedIn(rawHeaders: readonly string[]): string[] {
  const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase())
  return [...new Set(names.filter((name, at) => once.has(name) && names.indexOf(name) !== at))]
}

export function refuseRepeated(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const fields = repeatedIn(request.raw.rawHeaders).map((field) => ({ field, message: 'must be sent once' }))
    done(fields.length === 0 ? undefined : new HoldfastError('invalid-request', { fields }))
  })
}
