/** Everything in this process's memory, within bounds: for tests, development and apps of one process. */
import { checkOptions, type OptionTypes } from './arguments.ts'
import { MemoryApiKeys } from './memory-api-keys.ts'
import { MemoryCounters } from './memory-counters.ts'
import { MemoryDenylist } from './memory-denylist.ts'
import { MemoryEventLog } from './memory-event-log.ts'
import { MemorySessions } from './memory-sessions.ts'
import { MemoryTickets } from './memory-tickets.ts'
import type { Store } from './store.ts'

export interface MemoryStoreOptions {
  /**
   * Most sessions kept, 1 to 16,000,000. Default 1,000,000. When full, what has ended goes first, then the oldest
   * anonymous session (reported as evicted); when there is neither, `insert` throws: no flood ends a sign-in.
   */
  readonly maxSessions?: number
  /** Most tickets. Default 1,000,000. When full, `put` throws: a spent proof is never forgotten early. */
  readonly maxTickets?: number
  /** Most counters. Default 1,000,000. When full, ended ones go first, then low ones that lock nothing; else `add` throws. */
  readonly maxCounters?: number
  /** Most denials. Default 1,000,000. When full, `put` throws: a revoked token is never let in again. */
  readonly maxDenials?: number
  /** Most API keys, ended ones included until swept. Default 100,000. When full, `insert` throws. */
  readonly maxApiKeys?: number
  /** Most events. Default 100,000. When full, the oldest go. */
  readonly maxEvents?: number
}

const defaults = {
  maxSessions: 1_000_000,
  maxTickets: 1_000_000,
  maxCounters: 1_000_000,
  maxDenials: 1_000_000,
  maxApiKeys: 100_000,
  maxEvents: 100_000,
} as const
const optionTypes: OptionTypes<MemoryStoreOptions> = {
  maxSessions: 'number',
  maxTickets: 'number',
  maxCounters: 'number',
  maxDenials: 'number',
  maxApiKeys: 'number',
  maxEvents: 'number',
}
/** A `Map` holds at most 2^24 entries. */
const ceiling = 16_000_000

/**
 * A memory store whose methods all answer at once. Throws a `RangeError` for a bound that is not an integer in range, and a
 * `TypeError` for a name that is none or a value of another type.
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  checkOptions(options, optionTypes)
  const sessions = new MemorySessions(boundOf('maxSessions', options))
  return {
    tickets: new MemoryTickets(boundOf('maxTickets', options)),
    counters: new MemoryCounters(boundOf('maxCounters', options)),
    denylist: new MemoryDenylist(boundOf('maxDenials', options)),
    apiKeys: new MemoryApiKeys(boundOf('maxApiKeys', options)),
    eventLog: new MemoryEventLog(boundOf('maxEvents', options)),
    changes: sessions.changes,
    insert: (record, cap) => sessions.insert(record, cap),
    get: (id) => sessions.get(id),
    replace: (next, revision) => sessions.replace(next, revision),
    touch: (sightings) => sessions.touch(sightings),
    list: (query) => sessions.list(query),
    revoke: (target, revocation) => sessions.revoke(target, revocation),
    sweep: (query) => sessions.sweep(query),
  }
}

function boundOf(name: keyof typeof defaults, options: MemoryStoreOptions): number {
  const bound = options[name] ?? defaults[name]
  if (!Number.isInteger(bound) || bound < 1 || bound > ceiling) {
    throw new RangeError(`${name} must be an integer from 1 to ${ceiling}`)
  }
  return bound
}
