/** What the server does with a place where sessions or accounts are kept, whatever is there. */
import type { HoldfastOptions } from 'holdfast'
import type { Finding } from '../doctor/finding.ts'

/** Told of faults of a connection that nobody waits for; drivers try again by themselves. */
export type FaultListener = (fault: unknown) => void

export interface Place<Opened> {
  /** Why it cannot be used, a sentence each; none when it can. Makes nothing and does not take for ever. */
  problems(): Promise<readonly string[]>
  /** Opens it, making or upgrading its schema. Throws what the store throws; nothing is left open then. */
  open(tell: FaultListener): Promise<Opened>
  /** Version of its schema: 0 for none yet, undefined for a place that has none. */
  schemaVersion(): Promise<number | undefined>
  /** For `doctor`. Changes nothing; throws when the place cannot be asked. */
  examine(): Promise<readonly Finding[]>
}

export interface OpenedStore {
  readonly store: HoldfastOptions['store']
  /** Ends the store and the connections that were made for it. */
  close(): Promise<void>
}

/**
 * A server that is away answers nothing: a start, a command and `doctor` wait no longer than this, in ms. With what a
 * process needs to begin and to end, a start that is refused is over within five seconds.
 */
export const patienceMs = 3000
