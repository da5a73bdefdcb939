/** Request bodies: JSON in UTF-8 only, bounded, checked field by field. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type FieldProblem, HoldfastError, writesMemberTwice } from 'holdfast'
import type { z } from 'zod'

/** No valid body comes near this. */
export const longestBody = 16_384
/** Read up to here all the same, so that a field that is far too long is named instead of a bare 413. */
export const longestReadBody = 131_072

const oversized: WeakSet<FastifyRequest> = new WeakSet()
const utf8 = new TextDecoder('utf-8', { fatal: true })

function malformed(detail = 'The body is not valid JSON in UTF-8'): HoldfastError {
  return new HoldfastError('invalid-request', { detail })
}

export function installBodyParser(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer', bodyLimit: longestReadBody }, (request, bytes, done) => {
    if (bytes.length > longestBody) oversized.add(request)
    let text: string
    try {
      text = utf8.decode(bytes as Buffer)
    } catch {
      done(malformed())
      return
    }
    // A DELETE or a bare POST from a client library that always names the type.
    if (text === '') {
      done(null, undefined)
      return
    }
    void parseJson(request, text, (fault, body) => {
      // Whoever looked at the body on its way here may have read the other one (RFC 8259 4).
      if (fault === null && writesMemberTwice(text, body)) done(malformed('The body has a member twice'))
      else if (fault === null) done(null, body)
      else done(oversized.has(request) ? new HoldfastError('payload-too-large') : malformed())
    })
  })
}

function fieldProblems(fault: z.ZodError): FieldProblem[] {
  return fault.issues.flatMap((issue): FieldProblem[] => {
    const field = issue.path.map(String).join('.')
    if (field === '' && issue.code === 'invalid_type') return [{ field: 'body', message: 'must be a JSON object' }]
    if (issue.code !== 'unrecognized_keys') return [{ field: field === '' ? 'body' : field, message: issue.message }]
    return issue.keys
      .slice(0, 10)
      .map((key) => ({ field: [...issue.path.map(String), key.slice(0, 64)].join('.'), message: 'is not known' }))
  })
}

/** The validated value. Throws `invalid-request` naming every field, or `payload-too-large`. */
export function checked<T>(schema: z.ZodType<T>, value: unknown, request: FastifyRequest): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const fieldTooLong = result.error.issues.some((issue) => issue.code === 'too_big')
  if (oversized.has(request) && !fieldTooLong) throw new HoldfastError('payload-too-large')
  throw new HoldfastError('invalid-request', { fields: fieldProblems(result.error) })
}
