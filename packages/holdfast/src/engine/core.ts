/** What the operations of one engine share: its settings, its store and its parts. */
import type { DeadReason } from '../shared/codes.ts'
import type { Awaitable, Instant, SessionId, SessionRecord, SessionStore } from '../store/store.ts'
import type { Confirmation, VerifiedCache } from './cache.ts'
import type { Connections } from './connections.ts'
import type { RandomPool } from './crypto.ts'
import type { EndedSessions } from './ended.ts'
import type { Events } from './events.ts'
import type { Flights } from './flights.ts'
import type { Guard } from './guard.ts'
import type { AccessTokens } from './jwt/access-tokens.ts'
import type { Keyring } from './keyring.ts'
import type { Moves } from './moves.ts'
import type { EngineSettings } from './options.ts'
import type { PendingRevocations } from './pending.ts'
import { elevationAt, endOf } from './record.ts'
import type { Session } from './session.ts'
import { viewOf } from './session.ts'
import type { LagMeter, Tally } from './stats.ts'
import type { Tokens } from './token.ts'
import type { TouchBuffer } from './touch.ts'

export interface Core {
  readonly settings: EngineSettings
  readonly store: SessionStore
  readonly guard: Guard
  readonly keyring: Keyring
  readonly random: RandomPool
  readonly tokens: Tokens
  /** Null unless the `jwt` option is set. */
  readonly jwt: AccessTokens | null
  readonly events: Events
  readonly cache: VerifiedCache
  readonly ended: EndedSessions
  readonly confirmation: Confirmation
  readonly flights: Flights
  readonly touches: TouchBuffer
  readonly connections: Connections
  readonly pending: PendingRevocations
  readonly tally: Tally
  readonly lag: LagMeter
  readonly moves: Moves
}

/** Why a record is not live at `now`, by itself or by a revocation that this node has not got recorded yet. */
export function endedBy(core: Core, record: SessionRecord, now: Instant): DeadReason | undefined {
  return endOf(record, now) ?? core.pending.reasonFor(record)
}

/** Reads the record that a check needs, within the time of a check. `held`: as `SessionStore.get` takes it. */
export function lookUpRecord(core: Core, id: SessionId, held?: SessionRecord): Awaitable<SessionRecord | undefined> {
  return core.guard.reads.run(core.settings.checkDeadline, () => core.store.get(id, held), id)
}

/** A change of the store within the write deadline; faults become `store-unavailable`. */
export async function write<T>(core: Core, run: () => Awaitable<T>): Promise<T> {
  return core.guard.writes.run(core.settings.writeDeadline, run)
}

/** Reads what a change or a list needs: counted with the checks, but given the time of a write. */
export async function read<T>(core: Core, run: () => Awaitable<T>): Promise<T> {
  return core.guard.reads.run(core.settings.writeDeadline, run)
}

export function nowOf(core: Core): Instant {
  return core.settings.clock.now()
}

/** A session as it is shown in lists and returned by changes: with its step-up, if one holds at `now`. */
export function listed(record: SessionRecord, now: Instant): Session {
  return viewOf(record, { elevated: elevationAt(record, now) !== null, stepUpRequired: false })
}

/** Forgets everything that this node remembers of sessions that just changed. */
export function forget(core: Core, ids: readonly SessionId[]): void {
  for (const id of ids) {
    core.cache.drop(id)
    core.lag.own(id)
    core.flights.spoil(id)
  }
}
