/** Why a Redis server cannot serve as a store. Thrown when it is opened or inspected; later faults are the driver's own. */

/**
 * `unreachable`: nothing answers at the address. `refused`: wrong or missing credentials, or no right to a command.
 * `tls`: one side speaks TLS and the other does not, or a certificate is not trusted. `too-old`: an old version.
 * `incomplete`: a cluster in which not every slot is served. `not-a-cluster`: a single server where a cluster was to be.
 * `not-primary`: a replica.
 */
export type RedisOpenProblem = 'unreachable' | 'refused' | 'tls' | 'too-old' | 'incomplete' | 'not-a-cluster' | 'not-primary'

export class RedisOpenError extends Error {
  override readonly name = 'RedisOpenError'
  readonly problem: RedisOpenProblem
  /** The message without its beginning. */
  readonly why: string

  constructor(problem: RedisOpenProblem, why: string, cause?: unknown) {
    super(`cannot use Redis as a session store: ${why}`, cause === undefined ? undefined : { cause })
    this.problem = problem
    this.why = why
  }

  /** What a fault of the driver means, met while a client connects. */
  static from(fault: unknown): RedisOpenError {
    return openErrorOf(fault)
  }
}

const signs: readonly (readonly [sign: RegExp, problem: RedisOpenProblem, why: string])[] = [
  [/WRONGPASS|NOAUTH|invalid username-password|ERR AUTH/i, 'refused', 'the user name or password is wrong or missing'],
  [/NOPERM/, 'refused', 'the user may not run a command that is needed'],
  [
    /SSL|TLS|certificate|ERR_TLS|EPROTO|Protocol error/i,
    'tls',
    'TLS does not match: check redis:// or rediss:// and the certificate',
  ],
  [/cluster support disabled/, 'not-a-cluster', 'the server is not part of a cluster'],
  [/Unknown RESP type/, 'unreachable', 'what answers there is not Redis, or speaks TLS where the address has no rediss://'],
  [/unknown command|HELLO/i, 'too-old', 'the server is too old: 6.2 or newer is needed'],
]

/** Node's own are words; those of the DOM's exceptions, an `AbortSignal` that ran out of time among them, are numbers. */
const codeOf = (fault: Error): string => ('code' in fault && typeof fault.code === 'string' ? fault.code : '')
const textOf = (fault: Error): string =>
  fault.message.includes(codeOf(fault)) ? fault.message : `${fault.message} ${codeOf(fault)}`

/** The fault of a driver as one clear message. */
export function openErrorOf(fault: unknown): RedisOpenError {
  if (fault instanceof RedisOpenError) return fault
  // As a Sentinel client tells of the connections that it keeps.
  if (typeof fault === 'object' && fault !== null && 'type' in fault && 'error' in fault) return openErrorOf(fault.error)
  const text = fault instanceof Error ? textOf(fault) : String(fault)
  const found = signs.find(([sign]) => sign.test(text))
  if (found !== undefined) return new RedisOpenError(found[1], found[2], fault)
  // A server that speaks no TLS waits for more of what looks to it like half a command, and the other way round.
  const hint = /timeout|closed|ECONNRESET/i.test(text) ? '; check also whether the address should be redis:// or rediss://' : ''
  return new RedisOpenError('unreachable', `no server answers (${text.trim()})${hint}`, fault)
}
