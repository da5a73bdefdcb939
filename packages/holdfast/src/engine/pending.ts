/**
 * Revocations that the store could not record yet. This node treats them as done at once and repeats them until
 * they are: a failed logout must not lie, and must not be forgotten (advisory ADV-24, CVE-2020-15223).
 */

import type { RevocationReason } from '../shared/codes.ts'
import type { Revocation, RevokeTarget, SessionId, SessionRecord } from '../store/store.ts'
import type { Clock } from './clock.ts'
import type { FaultLogger } from './events.ts'

const retryAfter = 1000
/** Bounded: past this the oldest is let go, with a fault that says so. */
const mostPending = 10_000

/** What of a record decides whether a revocation is meant for it; where a token names it, the whole record. */
export type RevocableRecord = Pick<SessionRecord, 'id' | 'subject' | 'createdAt'> | SessionRecord

/** The session of a token, to be ended as far as the token was good for it when that was asked. */
export interface TokenTarget {
  readonly of: SessionId
  /** Tells tokens of one session apart. */
  readonly token: string
  isGoodFor(record: SessionRecord): boolean
}

export type PendingTarget = RevokeTarget | TokenTarget

interface Entry {
  readonly target: PendingTarget
  readonly revocation: Revocation
}

export interface PendingOptions {
  readonly clock: Clock
  readonly onFault: FaultLogger
  readonly apply: (target: PendingTarget, revocation: Revocation) => Promise<unknown>
}

function keyOf(target: PendingTarget): string {
  if ('of' in target) return `token ${target.of} ${target.token}`
  if ('id' in target) return `id ${target.id}`
  return 'subject' in target ? `subject ${target.subject}\n${target.except ?? ''}` : 'everyone'
}

function covers({ target, revocation }: Entry, record: RevocableRecord): boolean {
  if ('id' in target) return target.id === record.id
  if ('of' in target) return 'digest' in record && target.isGoodFor(record)
  // A session issued after the revocation was asked for is not meant by it.
  if (record.createdAt > revocation.at) return false
  return 'subject' in target ? target.subject === record.subject && target.except !== record.id : true
}

const none: readonly Entry[] = []

function addTo(entries: Map<string, Set<Entry>>, name: string, entry: Entry): void {
  const known = entries.get(name)
  if (known === undefined) entries.set(name, new Set([entry]))
  else known.add(entry)
}

function deleteFrom(entries: Map<string, Set<Entry>>, name: string, entry: Entry): void {
  const known = entries.get(name)
  known?.delete(entry)
  if (known?.size === 0) entries.delete(name)
}

export class PendingRevocations {
  readonly #options: PendingOptions
  readonly #entries: Map<string, Entry> = new Map()
  /** Those that are not found by the id of a session, by what they name: every check and every connection asks. */
  readonly #byToken: Map<SessionId, Set<Entry>> = new Map()
  readonly #bySubject: Map<string, Set<Entry>> = new Map()
  #everyone: Entry | undefined
  #cancelTimer: (() => void) | undefined
  #stopped = false

  constructor(options: PendingOptions) {
    this.#options = options
  }

  add(target: PendingTarget, revocation: Revocation): void {
    const key = keyOf(target)
    // An order asked for again by a clock that went back still means what the first one meant.
    const at = Math.max(revocation.at, this.#entries.get(key)?.revocation.at ?? revocation.at)
    this.#forget(key)
    const entry = { target, revocation: { ...revocation, at } }
    this.#entries.set(key, entry)
    this.#file(entry)
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
  reasonFor(record: RevocableRecord): RevocationReason | undefined {
    if (this.#entries.size === 0) return undefined
    const own = this.#entries.get(keyOf({ id: record.id }))
    if (own !== undefined) return own.revocation.reason
    for (const entry of this.#byToken.get(record.id) ?? none) if (covers(entry, record)) return entry.revocation.reason
    const ofSubject = record.subject === null ? undefined : this.#bySubject.get(record.subject)
    for (const entry of ofSubject ?? none) if (covers(entry, record)) return entry.revocation.reason
    const everyone = this.#everyone
    return everyone !== undefined && covers(everyone, record) ? everyone.revocation.reason : undefined
  }

  get size(): number {
    return this.#entries.size
  }

  /** Tries once more and stops; what the store still does not take is told, because it is lost with this process. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    await this.#retry()
    if (this.#entries.size === 0) return
    this.#options.onFault(new Error(`${this.#entries.size} revocations were never recorded`), 'stopping')
  }

  #file(entry: Entry): void {
    const { target } = entry
    if ('of' in target) addTo(this.#byToken, target.of, entry)
    else if ('subject' in target) addTo(this.#bySubject, target.subject, entry)
    else if ('everyone' in target) this.#everyone = entry
  }

  #forget(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    const { target } = entry
    if ('of' in target) deleteFrom(this.#byToken, target.of, entry)
    else if ('subject' in target) deleteFrom(this.#bySubject, target.subject, entry)
    else if ('everyone' in target) this.#everyone = undefined
  }

  /** To the end of the queue, so that one that the store never takes does not hold up the others. */
  #postpone(key: string, entry: Entry): void {
    if (this.#entries.get(key) !== entry) return
    this.#entries.delete(key)
    this.#entries.set(key, entry)
  }

  #arm(): void {
    if (this.#stopped) return
    this.#cancelTimer ??= this.#options.clock.after(retryAfter, () => {
      this.#cancelTimer = undefined
      void this.#retry()
    })
  }

  async #retry(): Promise<void> {
    for (const [key, entry] of [...this.#entries]) {
      try {
        await this.#options.apply(entry.target, entry.revocation)
        // Asked for again meanwhile: the newer order may mean sessions that this one did not.
        if (this.#entries.get(key) === entry) this.#forget(key)
      } catch (fault) {
        this.#options.onFault(fault, 'recording a revocation')
        this.#postpone(key, entry)
        break
      }
    }
    if (this.#entries.size > 0) this.#arm()
  }
}
