/** Every failed answer of the server: a problem document (RFC 9457) with a stable code. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type FieldProblem, HoldfastError, type ProblemCode, type ProblemWire, problems } from 'holdfast'

export interface ProblemInput {
  readonly detail?: string | undefined
  readonly errors?: readonly FieldProblem[]
  /** Seconds. */
  readonly retryAfter?: number | undefined
  readonly allow?: string
}

export function problemWire(code: ProblemCode, { detail, errors = [] }: ProblemInput = {}): ProblemWire {
  const { status, title } = problems[code]
  return {
    type: 'about:blank',
    title,
    status,
    code,
    ...(detail === undefined ? {} : { detail }),
    ...(errors.length === 0 ? {} : { errors }),
  }
}

export function sendProblem(reply: FastifyReply, code: ProblemCode, input: ProblemInput = {}): FastifyReply {
  const document = problemWire(code, input)
  if (input.retryAfter !== undefined) reply.header('retry-after', String(input.retryAfter))
  if (input.allow !== undefined) reply.header('allow', input.allow)
  if (document.status === 401) reply.header('www-authenticate', 'Bearer')
  return reply.code(document.status).type('application/problem+json; charset=utf-8').send(JSON.stringify(document))
}

export interface Refusal extends ProblemInput {
  readonly code: ProblemCode
}

/** Fastify's own refusals, in our words: its messages may quote the request. */
const fastifyRefusals: Readonly<Record<string, Refusal>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'payload-too-large' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { code: 'unsupported-media-type', detail: 'Only application/json is accepted' },
  FST_ERR_CTP_EMPTY_JSON_BODY: { code: 'invalid-request', detail: 'The body is empty; a JSON object is expected' },
  FST_ERR_CTP_INVALID_JSON_BODY: { code: 'invalid-request', detail: 'The body is not valid JSON' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: { code: 'invalid-request', detail: 'The body does not have the announced length' },
  FST_ERR_BAD_URL: { code: 'invalid-request', detail: 'The path is not valid' },
  FST_ERR_MAX_PARAM_LENGTH: { code: 'not-found' },
  FST_ERR_ASYNC_CONSTRAINT: { code: 'not-found' },
}

export function refusalOf(fault: unknown): Refusal | undefined {
  if (fault instanceof HoldfastError) {
    return { code: fault.code, detail: fault.detail, errors: fault.fields, retryAfter: fault.retryAfter }
  }
  return fault instanceof Error && 'code' in fault ? fastifyRefusals[String(fault.code)] : undefined
}

/** Answers whatever was thrown. What is nobody's refusal is logged whole and told to the client as 500, bare. */
export function answerFault(fault: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const refusal = refusalOf(fault)
  if (refusal === undefined || problems[refusal.code].status >= 500) request.log.error({ err: fault }, 'A request failed')
  return refusal === undefined ? sendProblem(reply, 'internal-error') : sendProblem(reply, refusal.code, refusal)
}

export function installProblems(app: FastifyInstance): void {
  app.setErrorHandler((fault, request, reply) => answerFault(fault, request, reply))
  app.setNotFoundHandler((_request, reply) => sendProblem(reply, 'not-found'))
}
