/** The event trail: takes security events off the path of requests, and appends them to the store as one chain. */
import { type Clock, eventLoopTurn, systemClock } from '../engine/clock.ts'
import { ConfigurationError } from '../engine/errors.ts'
import type { FaultLogger, SecurityEvent } from '../engine/events.ts'
import { unfailing } from '../engine/hook.ts'
import { checkWhole } from '../engine/inputs.ts'
import { createKeyring, type Keyring } from '../engine/keyring.ts'
import { checkHasMethods, checkHooks, readSecrets } from '../engine/option-checks.ts'
import { checkOptionsObject, type Report, readCount, unknownNames } from '../engine/option-readers.ts'
import type { EventLog, LoggedEvent } from '../store/event-log.ts'
import type { Instant, JsonValue } from '../store/store.ts'
import { type ChainHead, type ChainVerdict, chain, sweptKind, verifyChain } from './event-chain.ts'
import { EventFlood } from './event-flood.ts'

export type { ChainHead, ChainProblem, ChainVerdict } from './event-chain.ts'

export interface EventTrailOptions {
  readonly log: EventLog
  /** As for `createHoldfast`, and the same: each event is signed by the newest, and verified by the one it names. */
  readonly secrets: string | readonly string[] | undefined
  readonly clock?: Clock
  /** Events that wait for the store, 1 to 10 million. What comes beyond is counted, and the count recorded. Default 10 000. */
  readonly capacity?: number
  /**
   * Events of one kind, of those that anyone may raise without a credential, recorded in a minute, 1 to 10 million; the rest are
   * counted, and the count recorded. Default 1000.
   */
  readonly mostPerMinute?: number
  readonly onFault?: FaultLogger
}

export interface EventTrail {
  /** Takes an event; to be given to `holdfast.on`. */
  record(event: SecurityEvent): void
  /** Appends what waits; faults go to `onFault`, and what failed stays. */
  flush(): Promise<void>
  /** Deletes what was recorded before an instant, after recording up to where; returns how many. */
  sweep(before: Instant): Promise<number>
  verify(expected?: ChainHead): Promise<ChainVerdict>
  readonly waiting: number
  /** Events that were not recorded, for want of room or as part of a flood, since the start. */
  readonly lost: number
  /** Appends what waits and stops. */
  close(): Promise<void>
}

const flushAfter = 250
const batchSize = 256
/** Other nodes may win the race for the next place this often before it is left to the next round. */
const mostAttempts = 32
const sweepBatch = 1000

type Field = Exclude<keyof SecurityEvent, 'at' | 'kind'>

/** In the order in which the chain hashes them. */
const fields = Object.keys({
  actor: true,
  ip: true,
  object: true,
  outcome: true,
  reason: true,
  schema: true,
  session: true,
  subject: true,
} satisfies Record<Field, true>) as readonly Field[]

function loggedOf(event: SecurityEvent): LoggedEvent {
  const data: { [key: string]: JsonValue } = {}
  for (const field of fields) {
    const value = event[field]
    if (value !== null) data[field] = value
  }
  return { at: event.at, kind: event.kind, data }
}

const optionNames: readonly (keyof EventTrailOptions)[] = ['log', 'secrets', 'clock', 'capacity', 'mostPerMinute', 'onFault']
const logMethods: readonly (keyof EventLog)[] = ['append', 'last', 'read', 'sweep']

interface Settings {
  readonly capacity: number
  readonly mostPerMinute: number
  readonly keyring: Keyring
}

function checked(options: EventTrailOptions): Settings {
  checkOptionsObject(options)
  const found = unknownNames(options, optionNames, '')
  const report: Report = (problem) => found.push(problem)
  checkHasMethods(options.log, 'log', 'the `eventLog` of a store', logMethods, report)
  checkHooks(options, report)
  const secrets = readSecrets(options.secrets, report, 'secrets')
  const capacity = readCount(options.capacity, 'capacity', { default: 10_000, min: 1, max: 10_000_000 }, report)
  const mostPerMinute = readCount(options.mostPerMinute, 'mostPerMinute', { default: 1000, min: 1, max: 10_000_000 }, report)
  if (found.length > 0) throw new ConfigurationError(found)
  return { capacity, mostPerMinute, keyring: createKeyring(secrets) }
}

/** Throws `ConfigurationError` listing every wrong option. */
export function createEventTrail(options: EventTrailOptions): EventTrail {
  const { capacity, mostPerMinute, keyring } = checked(options)
  const { log, clock = systemClock } = options
  const onFault = unfailing(options.onFault ?? (() => undefined))
  const waiting: LoggedEvent[] = []
  /** How many of those that wait are to be appended although they fill no batch: all, at a flush. */
  let due = 0
  let lost = 0
  let lostUntold = 0
  let cancelTimer: (() => void) | undefined
  let flushing: Promise<void> | undefined
  let isClosed = false
  /** The end of a batch whose answer was lost: it may have been appended after all. */
  let doubtful: (ChainHead & { readonly count: number }) | undefined

  const flood = new EventFlood(clock, mostPerMinute, (object, count) => {
    lost += count
    if (waiting.length >= capacity) lostUntold += count
    else {
      waiting.push({ at: clock.now(), kind: 'events_lost', data: { object, outcome: String(count), reason: 'flood', schema: 1 } })
      arm()
    }
  })

  async function settleDoubt(): Promise<void> {
    if (doubtful === undefined) return
    const [found] = await log.read({ after: doubtful.sequence - 1, limit: 1 })
    if (found?.hash === doubtful.hash) waiting.splice(0, doubtful.count)
    doubtful = undefined
  }

  async function append(batch: readonly LoggedEvent[], attempted?: (end: ChainHead) => void): Promise<boolean> {
    for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
      const head = await log.last()
      const after = head?.sequence ?? 0
      const chained = chain(keyring, batch, head)
      attempted?.({ sequence: after + batch.length, hash: chained.at(-1)?.hash ?? '' })
      if (await log.append(chained, after)) return true
    }
    return false
  }

  function tellLost(): void {
    if (lostUntold === 0 || waiting.length >= capacity) return
    waiting.push({ at: clock.now(), kind: 'events_lost', data: { schema: 1, outcome: String(lostUntold) } })
    lostUntold = 0
    due = waiting.length
  }

  /** Short batches cost as much as full ones: what comes in the meantime waits until it fills one, or for its time. */
  function isDue(): boolean {
    return waiting.length >= batchSize || (due > 0 && waiting.length > 0)
  }

  async function appendDue(): Promise<void> {
    try {
      await settleDoubt()
      while (isDue()) {
        const batch = waiting.slice(0, batchSize)
        const isAppended = await append(batch, (end) => {
          doubtful = { ...end, count: batch.length }
        })
        doubtful = undefined
        if (!isAppended) throw new Error(`other nodes appended first ${mostAttempts} times`)
        waiting.splice(0, batch.length)
        due = Math.max(0, due - batch.length)
        tellLost()
        // A store in this process answers at once: without a turn in between, requests would wait for the whole buffer.
        if (batch.length === batchSize && isDue()) await eventLoopTurn()
      }
    } catch (fault) {
      onFault(fault, 'recording security events')
    } finally {
      // In the same step as the last look at what is due: whoever flushes after it starts anew.
      flushing = undefined
      if (waiting.length > 0) arm()
    }
  }

  function run(): Promise<void> {
    flushing ??= appendDue()
    return flushing
  }

  function flush(): Promise<void> {
    cancelTimer?.()
    cancelTimer = undefined
    due = waiting.length
    return run()
  }

  function arm(): void {
    if (isClosed || flushing !== undefined) return
    cancelTimer ??= clock.after(flushAfter, () => void flush())
  }

  /** The last of the oldest events that are all older than `before`; whoever sweeps by it deletes no later one. */
  async function lastBefore(before: Instant): Promise<number> {
    for (let through = 0; ; ) {
      const events = await log.read({ after: through, limit: sweepBatch })
      for (const { sequence, at } of events) {
        if (at >= before) return through
        through = sequence
      }
      if (events.length < sweepBatch) return through
    }
  }

  return {
    record(event) {
      if (flood.holdsBack(event.kind)) return
      if (waiting.length >= capacity) {
        lost += 1
        lostUntold += 1
        return
      }
      waiting.push(loggedOf(event))
      arm()
      // Once a batch is full nothing is won by waiting. While the store is away the timer alone tries again.
      if (waiting.length === batchSize) void eventLoopTurn().then(() => (isClosed ? undefined : run()))
    },
    flush,
    async sweep(before) {
      checkWhole('before', before, 'must be an instant in milliseconds')
      const through = await lastBefore(before)
      if (through === 0) return 0
      // First the word of it, then the deed: a beginning that is missing without this event was taken by somebody else.
      const mark = { at: clock.now(), kind: sweptKind, data: { schema: 1, through } }
      if (!(await append([mark]))) return 0
      let deleted = 0
      for (let count = sweepBatch; count === sweepBatch; deleted += count) count = await log.sweep(before, sweepBatch)
      return deleted
    },
    verify: (expected) => verifyChain(log, keyring, expected),
    get waiting() {
      return waiting.length
    },
    get lost() {
      return lost
    },
    async close() {
      flood.end()
      isClosed = true
      await flushing
      await flush()
      cancelTimer?.()
    },
  }
}
