/** The one error class. Misses are values; this is thrown for faults and for refused input. */

import { type ProblemCode, problems } from '../shared/codes.ts'
import type { FieldProblem } from '../shared/wire.ts'

export interface ErrorDetails {
  /** Safe to show to whoever made the request: no secret, no internals. */
  readonly detail?: string
  readonly fields?: readonly FieldProblem[]
  /** Seconds after which a retry may succeed. */
  readonly retryAfter?: number
  readonly cause?: unknown
}

export class HoldfastError extends Error {
  override readonly name = 'HoldfastError'
  /** Stable; messages are not. */
  readonly code: ProblemCode
  readonly fields: readonly FieldProblem[]
  readonly detail: string | undefined
  readonly retryAfter: number | undefined

  constructor(code: ProblemCode, details: ErrorDetails = {}) {
    super(details.detail ?? problems[code].title, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.detail = details.detail
    this.fields = details.fields ?? []
    this.retryAfter = details.retryAfter
  }

  get status(): number {
    return problems[this.code].status
  }
}

/** Refused input: one field and what is wrong with it, both of which whoever made the request is shown. */
export function invalidField(field: string, message: string): HoldfastError {
  return new HoldfastError('invalid-request', { detail: `${field} ${message}`, fields: [{ field, message }] })
}

/** Options that contradict each other or are out of range: every problem at once. Thrown at construction only. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
  readonly problems: readonly FieldProblem[]

  constructor(found: readonly FieldProblem[]) {
    super(
      ['Holdfast cannot start with these options:', ...found.map(({ field, message }) => `  ${field}: ${message}`)].join('\n'),
    )
    this.problems = found
  }
}

/** Seconds a caller is told to wait before it asks again, by kind of "cannot tell". */
export const retryAfterSeconds = { 'store-unavailable': 1, 'crypto-unavailable': 5 } as const

export function storeUnavailable(cause: unknown): HoldfastError {
  return cause instanceof HoldfastError
    ? cause
    : new HoldfastError('store-unavailable', { retryAfter: retryAfterSeconds['store-unavailable'], cause })
}

export function cryptoUnavailable(cause: unknown): HoldfastError {
  return new HoldfastError('crypto-unavailable', { retryAfter: retryAfterSeconds['crypto-unavailable'], cause })
}
