/** Why a database file cannot serve as a store. Thrown when it is opened only; later faults are SQLite's own errors. */

/**
 * `unreachable`: no such folder, no right to read or write it, not a file. `not-a-store`: it holds something else.
 * `newer-version`: a later release of Holdfast wrote it, and this one would not understand it.
 */
export type StoreOpenProblem = 'unreachable' | 'not-a-store' | 'newer-version'

export class StoreOpenError extends Error {
  override readonly name = 'StoreOpenError'
  readonly problem: StoreOpenProblem
  readonly path: string

  constructor(problem: StoreOpenProblem, path: string, why: string, cause?: unknown) {
    super(`cannot use ${path} as a session store: ${why}`, cause === undefined ? undefined : { cause })
    this.problem = problem
    this.path = path
  }
}
