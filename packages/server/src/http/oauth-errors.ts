/** Failed answers of the OAuth endpoints, in the form that stock clients read (RFC 6749 section 5.2). */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type ProblemCode, problems } from 'holdfast'
import { refusalOf } from './problems.ts'

/** Error codes and their status: RFC 6749 section 5.2, RFC 6750 section 3.1, and RFC 6749's word for "cannot tell". */
export const oauthErrors = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unsupported_grant_type: 400,
  invalid_scope: 400,
  insufficient_scope: 403,
  temporarily_unavailable: 503,
  server_error: 500,
} as const
export type OauthErrorCode = keyof typeof oauthErrors

/** Thrown by a handler; the message is sent. */
export class OauthError extends Error {
  readonly code: OauthErrorCode
  /** Of `WWW-Authenticate`. */
  readonly challenge: string | undefined

  constructor(code: OauthErrorCode, description: string, challenge?: string) {
    super(description)
    this.code = code
    this.challenge = challenge
  }
}

/** How what the server refuses anywhere is called here. Its status stays: 413, 415, 429 and 503 say what a client can do. */
const names: Partial<Record<ProblemCode, OauthErrorCode>> = {
  'invalid-request': 'invalid_request',
  'payload-too-large': 'invalid_request',
  'unsupported-media-type': 'invalid_request',
  'insecure-transport': 'invalid_request',
  'rate-limited': 'temporarily_unavailable',
  'store-unavailable': 'temporarily_unavailable',
  'crypto-unavailable': 'temporarily_unavailable',
}

/** RFC 6749 section 5.2: printable ASCII without quote and backslash. */
function describable(text: string): string {
  return text.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?').slice(0, 500)
}

function send(reply: FastifyReply, status: number, error: OauthErrorCode, description: string): FastifyReply {
  return reply.code(status).send({ error, error_description: describable(description) })
}

/** Answers whatever was thrown; what is nobody's refusal is logged whole and told to the client bare. */
export function answerOauthFault(fault: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (fault instanceof OauthError) {
    if (fault.challenge !== undefined) reply.header('www-authenticate', fault.challenge)
    return send(reply, oauthErrors[fault.code], fault.code, fault.message)
  }
  const refusal = refusalOf(fault)
  const name = refusal === undefined ? undefined : names[refusal.code]
  if (refusal === undefined || name === undefined || problems[refusal.code].status >= 500) {
    request.log.error({ err: fault }, 'A request failed')
  }
  if (refusal === undefined || name === undefined) return send(reply, 500, 'server_error', problems['internal-error'].title)
  const { status, title } = problems[refusal.code]
  if (refusal.retryAfter !== undefined) reply.header('retry-after', String(refusal.retryAfter))
  const fields = (refusal.errors ?? []).map(({ field, message }) => `${field} ${message}`).join(', ')
  return send(reply, status, name, fields === '' ? (refusal.detail ?? title) : fields)
}
