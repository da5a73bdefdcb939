/**
 * The hash chain over the event log: each event carries HMAC-SHA-256 over its sequence, its content and the hash of the
 * one before, under a key derived from the secret. Who can write to the store but has no secret cannot change, remove,
 * reorder or add an event unseen; the newest can be cut off unseen only from who kept no head apart.
 */
import { equalText } from '../engine/crypto.ts'
import type { Keyring, SigningKey } from '../engine/keyring.ts'
import type { ChainedEvent, EventLog, LoggedEvent, StoredEvent } from '../store/event-log.ts'
import type { JsonValue } from '../store/store.ts'

/** The kind of the event that says up to where events were deleted on purpose, in `data.through`. */
export const sweptKind = 'events_swept'
/** What the first event is chained to. */
const beginning = ''

/** The newest event of a log, as it is kept apart: a later log must still hold it. */
export interface ChainHead {
  readonly sequence: number
  readonly hash: string
}

export type ChainProblem = 'changed' | 'missing' | 'beginning-missing' | 'end-missing'
export type ChainVerdict =
  | { readonly whole: true; readonly events: number; readonly head: ChainHead | undefined }
  /** `sequence`: where the chain stops holding. */
  | { readonly whole: false; readonly sequence: number; readonly problem: ChainProblem }

/** Whether keys are in order already and nothing is nested, as in every event that the trail makes itself. */
function isCanonical(value: { readonly [key: string]: JsonValue }): boolean {
  let before = ''
  for (const key of Object.keys(value)) {
    if (key < before || typeof value[key] === 'object') return false
    before = key
  }
  return true
}

/** Keys in one order: a store may give them back in another. */
function canonical(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map((item: JsonValue) => canonical(item))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, item]) => [key, canonical(item)]))
}

function hashOf(key: SigningKey, sequence: number, { at, kind, data }: LoggedEvent, previous: string): string {
  const content = JSON.stringify([sequence, at, kind, isCanonical(data) ? data : canonical(data), previous])
  return `${key.id}.${key.mac('events').signLong(content)}`
}

/** Chains events behind a head, in order. */
export function chain(keyring: Keyring, events: readonly LoggedEvent[], head: ChainHead | undefined): ChainedEvent[] {
  let { sequence, hash } = head ?? { sequence: 0, hash: beginning }
  return events.map((event) => {
    const previous = hash
    sequence += 1
    hash = hashOf(keyring.signing, sequence, event, previous)
    return { at: event.at, kind: event.kind, data: event.data, hash, previous }
  })
}

function isAuthentic(keyring: Keyring, event: StoredEvent): boolean {
  const key = keyring.find(event.hash.slice(0, 4))
  return key !== undefined && equalText(event.hash, hashOf(key, event.sequence, event, event.previous))
}

type Broken = Extract<ChainVerdict, { whole: false }>

/** What is known of a log while it is read from its oldest event on. */
class Reading {
  head: ChainHead | undefined
  events = 0
  readonly #keyring: Keyring
  readonly #expected: ChainHead | undefined
  #holdsExpected = false
  /** How many came before the first event that is there, and up to where they were deleted on purpose. */
  #before = 0
  #swept = 0

  constructor(keyring: Keyring, expected: ChainHead | undefined) {
    this.#keyring = keyring
    this.#expected = expected
  }

  take(event: StoredEvent): Broken | undefined {
    const { sequence, hash, kind, data } = event
    const problem = this.#problemOf(event)
    if (problem !== undefined) return problem
    if (this.head === undefined) this.#before = sequence - 1
    if (kind === sweptKind && typeof data.through === 'number') this.#swept = Math.max(this.#swept, data.through)
    if (sequence === this.#expected?.sequence) this.#holdsExpected = true
    this.head = { sequence, hash }
    this.events += 1
    return undefined
  }

  /** What can only be said when all was read. */
  conclude(): Broken | undefined {
    if (this.#before > this.#swept) return { whole: false, sequence: this.#before, problem: 'beginning-missing' }
    // A head that was itself swept on purpose is no sign of a cut end.
    const isDue = !this.#holdsExpected && (this.#expected?.sequence ?? 0) > this.#swept
    return isDue ? { whole: false, sequence: (this.head?.sequence ?? 0) + 1, problem: 'end-missing' } : undefined
  }

  #problemOf(event: StoredEvent): Broken | undefined {
    const { sequence, hash, previous } = event
    const isExpected = this.#expected?.sequence !== sequence || this.#expected.hash === hash
    if (!isExpected || !isAuthentic(this.#keyring, event)) return { whole: false, sequence, problem: 'changed' }
    const follows = this.head === undefined || (sequence === this.head.sequence + 1 && previous === this.head.hash)
    return follows ? undefined : { whole: false, sequence: (this.head?.sequence ?? 0) + 1, problem: 'missing' }
  }
}

const page = 500

/**
 * Reads the whole log and checks every link. `expected` is a head kept apart from the store: without it the removal of the
 * newest events cannot be told from their never having been. Throws what the store throws: an unreadable row is a fault.
 */
export async function verifyChain(log: EventLog, keyring: Keyring, expected?: ChainHead): Promise<ChainVerdict> {
  const reading = new Reading(keyring, expected)
  for (;;) {
    const found = await log.read({ after: reading.head?.sequence ?? 0, limit: page })
    for (const event of found) {
      const broken = reading.take(event)
      if (broken !== undefined) return broken
    }
    if (found.length < page) break
  }
  return reading.conclude() ?? { whole: true, events: reading.events, head: reading.head }
}
