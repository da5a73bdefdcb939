/** Faults of a PostgreSQL store, fit for a log: they say what went wrong and show no row. */

/**
 * `unreachable`: no server, or it takes no connections now. `not-permitted`: wrong user or password, or a right is
 * missing. `tls`: one side wants TLS and the other does not, or a certificate is not trusted. `no-database`: it has no
 * such database. `read-only`: a standby, or a database that takes no writes. `unfit`: too old, or not in UTF-8.
 * `newer-version`: a later release of Holdfast has been at work in the schema.
 */
export type PostgresOpenProblem =
  | 'unreachable'
  | 'not-permitted'
  | 'tls'
  | 'no-database'
  | 'read-only'
  | 'unfit'
  | 'newer-version'

/** Why a database cannot serve as a store. Thrown at start; later faults are those of the driver. */
export class PostgresOpenError extends Error {
  override readonly name = 'PostgresOpenError'
  readonly problem: PostgresOpenProblem
  /** The message without its beginning. */
  readonly why: string

  constructor(problem: PostgresOpenProblem, why: string, cause?: unknown) {
    super(`cannot use the PostgreSQL database as a session store: ${why}`, cause === undefined ? undefined : { cause })
    this.problem = problem
    this.why = why
  }

  /** What a fault of the driver means, met while a pool connects. */
  static from(fault: unknown): PostgresOpenError {
    return openError(fault)
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

/** Of the driver, of the server's rules of access (pg_hba.conf) and of Node's codes for certificates. */
const tlsSigns: readonly (readonly [sign: RegExp, why: string])[] = [
  [/does not support SSL/, 'the server does not speak TLS, which the client asks for'],
  [/, no encryption/, 'the server takes these connections over TLS only'],
  [/, SSL encryption/, 'the server takes these connections without TLS only'],
  [/CERT|UNABLE_TO|ERR_TLS|ERR_SSL|self-signed/, 'the certificate of the server, or the client’s own, is not accepted'],
]

export function openError(fault: unknown): PostgresOpenError {
  if (fault instanceof PostgresOpenError) return fault
  const { message } = plainFault(fault)
  const mismatch = tlsSigns.find(([sign]) => sign.test(`${message} ${codeOf(fault)}`))
  if (mismatch !== undefined) return new PostgresOpenError('tls', `${mismatch[1]} (${message})`, plainFault(fault))
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
