/**
 * Revocations that the store could not record yet. This node treats them as done at once and repeats them until
 * they are: a failed logout must not lie, and must not be forgotten (advisory ADV-24, CVE-2020-15223).
 */

import type { RevocationReason } from '../shared/codes.ts'
import type { Revocation, RevokeTarget, SessionRecord } from '../store/store.ts'
import type { Clock } from './clock.ts'
import type { FaultLogger } from './events.ts'

const retryAfter = 1000
/** Bounded: past this the oldest is let go, with a fault that says so. */
const mostPending = 10_000

interface Entry {
  readonly target: RevokeTarget
  readonly revocation: Revocation
}

export interface PendingOptions {
  readonly clock: Clock
  readonly onFault: FaultLogger
  readonly apply: (target: RevokeTarget, revocation: Revocation) => Promise<unknown>
}

function keyOf(target: RevokeTarget): string {
  if ('id' in target) return `id ${target.id}`
  return 'subject' in target ? `subject ${target.subject}\n${target.except ?? ''}` : 'everyone'
}

function covers({ target, revocation }: Entry, record: SessionRecord): boolean {
  if ('id' in target) return target.id === record.id
  // A session issued after the revocation was asked for is not meant by it.
  if (record.createdAt > revocation.at) return false
  return 'subject' in target ? target.subject === record.subject && target.except !== record.id : true
}

export class PendingRevocations {
  readonly #options: PendingOptions
  readonly #entries: Map<string, Entry> = new Map()
  /** Those that name a subject or everyone: few, and the only ones that a check has to go through. */
  readonly #broad: Set<Entry> = new Set()
  #cancelTimer: (() => void) | undefined

  constructor(options: PendingOptions) {
    this.#options = options
  }

  add(target: RevokeTarget, revocation: Revocation): void {
    const key = keyOf(target)
    this.#forget(key)
    const entry = { target, revocation }
    this.#entries.set(key, entry)
    if (!('id' in target)) this.#broad.add(entry)
    if (this.#entries.size > mostPending) {
      const oldest = this.#entries.keys().next()
      if (!oldest.done) this.#forget(oldest.value)
      this.#options.onFault(
        new Error(`more than ${mostPending} revocations wait for the store`),
        'keeping unrecorded revocations',
      )
    }
    this.#arm()
  }

  /** Why a record counts as revoked here although the store does not say so yet. */
  reasonFor(record: SessionRecord): RevocationReason | undefined {
    if (this.#entries.size === 0) return undefined
    const own = this.#entries.get(keyOf({ id: record.id }))
    if (own !== undefined) return own.revocation.reason
    for (const entry of this.#broad) if (covers(entry, record)) return entry.revocation.reason
    return undefined
  }

  get size(): number {
    return this.#entries.size
  }

  stop(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }

  #forget(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#broad.delete(entry)
  }

  #arm(): void {
    this.#cancelTimer ??= this.#options.clock.after(retryAfter, () => {
      this.#cancelTimer = undefined
      void this.#retry()
    })
  }

  async #retry(): Promise<void> {
    for (const [key, entry] of [...this.#entries]) {
      try {
        await this.#options.apply(entry.target, entry.revocation)
        this.#forget(key)
      } catch (fault) {
        this.#options.onFault(fault, 'recording a revocation')
        break
      }
    }
    if (this.#entries.size > 0) this.#arm()
  }
}
