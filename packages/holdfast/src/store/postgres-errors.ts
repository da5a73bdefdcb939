/** Faults of a PostgreSQL store, fit for a log: they say what went wrong and show no row. */

/**
 * `unreachable`: no server, or it takes no connections now. `not-permitted`: wrong user or password, or a right is
 * missing. `no-database`: it has no such database. `read-only`: a standby, or a database that takes no writes.
 * `unfit`: too old, or not in UTF-8. `newer-version`: a later release of Holdfast has been at work in the schema.
 */
export type PostgresOpenProblem = 'unreachable' | 'not-permitted' | 'no-database' | 'read-only' | 'unfit' | 'newer-version'

/** Why a database cannot serve as a store. Thrown at start; later faults are those of the driver. */
export class PostgresOpenError extends Error {
  override readonly name = 'PostgresOpenError'
  readonly problem: PostgresOpenProblem

  constructor(problem: PostgresOpenProblem, why: string, cause?: unknown) {
    super(`cannot use the PostgreSQL database as a session store: ${why}`, cause === undefined ? undefined : { cause })
    this.problem = problem
  }
}

/** By SQLSTATE (PostgreSQL manual, appendix A). */
const problems: { readonly [code: string]: PostgresOpenProblem } = {
  '28P01': 'not-permitted',
  '28000': 'not-permitted',
  '42501': 'not-permitted',
  '3D000': 'no-database',
  '25006': 'read-only',
}

export function openError(fault: unknown): PostgresOpenError {
  if (fault instanceof PostgresOpenError) return fault
  const { message } = plainFault(fault)
  return new PostgresOpenError(problems[codeOf(fault) ?? ''] ?? 'unreachable', message, plainFault(fault))
}

export function codeOf(fault: unknown): string | undefined {
  return fault instanceof Error && 'code' in fault && typeof fault.code === 'string' ? fault.code : undefined
}

/** Fields of a server's report that quote the row at fault, digests included. */
const quoting = ['detail', 'where', 'internalQuery'] as const

/** The same fault, without what quotes stored data, and with a message where Node gives several causes and none. */
export function plainFault(fault: unknown): Error {
  if (!(fault instanceof Error)) return new Error(String(fault))
  if (fault instanceof AggregateError && fault.message === '') {
    return new Error(fault.errors.map((each: unknown) => plainFault(each).message).join('; '), { cause: fault })
  }
  for (const field of quoting) Reflect.deleteProperty(fault, field)
  return fault
}
