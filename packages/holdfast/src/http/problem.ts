/** Answers that Holdfast gives itself: JSON bodies, and problem documents (RFC 9457) with a stable code. */
import { HoldfastError } from '../engine/errors.ts'
import { type ProblemCode, problems } from '../shared/codes.ts'
import type { FieldProblem, ProblemWire } from '../shared/wire.ts'

/** A whole response, in no framework's terms. */
export interface Answer {
  readonly status: number
  /** Lower-case names. Cookies are not here: they are on the carrier already. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

export interface ProblemDetails {
  readonly detail?: string | undefined
  readonly errors?: readonly FieldProblem[]
  /** Seconds. */
  readonly retryAfter?: number | undefined
  /** `WWW-Authenticate` of a 401; default: the plain scheme. */
  readonly challenge?: string | undefined
  /** `Allow` of a 405. */
  readonly allow?: string | undefined
}

/** Every answer about a session is for one client alone, is no document, and is never sniffed for one (ASVS 14.2.2, 3.2.1). */
const commonHeaders = {
  'cache-control': 'no-store',
  vary: 'Cookie, Authorization',
  'x-content-type-options': 'nosniff',
} as const
const documentHeaders = { 'content-security-policy': "default-src 'none'; frame-ancestors 'none'" } as const

export function jsonAnswer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...commonHeaders, ...documentHeaders, ...headers },
    body: JSON.stringify(body),
  }
}

export function emptyAnswer(status: number, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { ...commonHeaders, ...headers }, body: null }
}

function problemHeaders(status: number, details: ProblemDetails): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': 'application/problem+json; charset=utf-8',
    ...commonHeaders,
    ...documentHeaders,
  }
  if (details.retryAfter !== undefined) headers['retry-after'] = String(details.retryAfter)
  if (details.allow !== undefined) headers.allow = details.allow
  if (status === 401) headers['www-authenticate'] = details.challenge ?? 'Bearer'
  return headers
}

export function problemAnswer(code: ProblemCode, details: ProblemDetails = {}): Answer {
  const { status, title } = problems[code]
  const body: ProblemWire = {
    type: 'about:blank',
    title,
    status,
    code,
    ...(details.detail === undefined ? {} : { detail: details.detail }),
    ...(details.errors === undefined || details.errors.length === 0 ? {} : { errors: details.errors }),
  }
  return { status, headers: problemHeaders(status, details), body: JSON.stringify(body) }
}

/** The answer to an error of ours; `undefined` for anybody else's, which is the app's to answer. */
export function answerFor(error: HoldfastError): Answer
export function answerFor(error: unknown): Answer | undefined
export function answerFor(error: unknown): Answer | undefined {
  if (!(error instanceof HoldfastError)) return undefined
  return problemAnswer(error.code, { detail: error.detail, errors: error.fields, retryAfter: error.retryAfter })
}
