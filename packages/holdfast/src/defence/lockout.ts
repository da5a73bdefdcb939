/**
 * Lockout of password guessing that cannot be turned against the owner.
 *
 * Failures are counted per (name, source): ten within 15 minutes lock that name for that source for 15 minutes, and
 * nobody else. Against many sources an account has a ceiling of 100 failures in a row (NIST SP 800-63B-4 3.2.2): then
 * it opens to known devices only, until one of them signs in or an administrator lifts the lock. A device that signed
 * in before has a budget of its own, which nobody else can spend. Names that no account has are counted and locked
 * the same way, so that a lock tells nothing. Everything is in the shared counters: it outlives restarts and holds on
 * every node.
 */
import type { Clock } from '../engine/clock.ts'
import { HoldfastError } from '../engine/errors.ts'
import type { Keyring } from '../engine/keyring.ts'
import { sourceOf } from '../engine/network.ts'
import type { CounterStore } from '../store/counters.ts'
import type { Instant } from '../store/store.ts'
import { addLock, type BudgetRule, FailureBudget, lockedUntil, lockPrefix } from './budget.ts'
import { counting, secondsUntil } from './counting.ts'
import type { Devices } from './devices.ts'
import { type LockKeys, type LockKind, lockKeys, type ParsedLockKey, parseLockKey } from './lock-keys.ts'
import { Turns } from './turns.ts'

export interface LockoutRule extends BudgetRule {
  /** Failures in a row, of an account or of a known device of it. */
  readonly ceiling: number
}

export interface LockoutParts {
  readonly counters: CounterStore
  readonly clock: Clock
  readonly keyring: Keyring
  readonly devices: Devices
  readonly rule: LockoutRule
}

export interface AttemptInput {
  /** The name as it was typed, 1 to 1024 characters; compared as `nameKey` spells it. */
  readonly name: string
  /** The account it belongs to; null when there is none. */
  readonly subject: string | null
  readonly ip?: string | undefined
  /** The device cookie as presented. */
  readonly device?: string | undefined
}

export interface RefusedAttempt {
  readonly allowed: false
  /** `account-locked`, to throw once the password was looked at in vain: refusals take as long as answers. */
  readonly error: HoldfastError
}

export interface AllowedAttempt {
  readonly allowed: true
  /** Whether a device of the account made it. */
  readonly knownDevice: boolean
  /** The password was wrong. Returns what this failure locked, null for nothing. */
  failed(): Promise<LockKind | null>
  /** It was right: what this attempt was counted against is forgotten. Returns the device cookie to set. */
  succeeded(): Promise<string>
  /** It could not be told; the attempt stays counted. Does nothing after one of the others. */
  abandon(): void
}

export type Attempt = RefusedAttempt | AllowedAttempt

/** A run of failures is forgotten so long after it began, so that names nobody has do not fill the store for good. */
const runMs = 30 * 24 * 3_600_000
const runPrefix = 'lockout:run:'

/** What an attempt is counted against: a budget, a run of failures, and the locks that close it. */
interface Counted {
  readonly kind: 'source' | 'device'
  readonly budget: string
  readonly run: string
  readonly locks: readonly string[]
  /** The run that a success ends, whatever it was counted against. */
  readonly account: string
}

interface Place {
  /** Attempts in the window and failures in a row, this one included. */
  readonly count: number
  readonly inRow: number
}

type Taking = (Place & { readonly turn: 'held' }) | { readonly turn: 'full' | 'closed'; readonly until: Instant }

/** A lock as administrators see it. */
export interface LockView extends ParsedLockKey {
  readonly id: string
  readonly until: Instant
}

export class Lockout {
  readonly #parts: LockoutParts
  readonly #budget: FailureBudget
  readonly #turns: Turns = new Turns()

  constructor(parts: LockoutParts) {
    this.#parts = parts
    this.#budget = new FailureBudget(parts.counters, parts.clock, parts.rule)
  }

  /** The id of the known device that makes a request, `undefined` for any other. */
  deviceOf(input: AttemptInput): string | undefined {
    const { devices, clock } = this.#parts
    // An unknown name costs the same look.
    return devices.recognise(input.device, input.subject ?? '', clock.now())
  }

  /**
   * Counts an attempt before its password is looked at. Throws `store-unavailable` when it cannot be counted. Whoever
   * is allowed calls `failed`, `succeeded` or `abandon`.
   */
  async attempt(input: AttemptInput): Promise<Attempt> {
    const keys = lockKeys(this.#parts.keyring, input.name, input.subject, sourceOf(input.ip))
    const device = this.deviceOf(input)
    const isOpen = device !== undefined && (await this.#isOpen(keys.device(device)))
    const counted = isOpen ? ofDevice(keys, device) : ofSource(keys)
    const taking = await this.#turns.take(counted.budget, () => this.#take(counted))
    return taking.turn === 'held' ? this.#allowed(counted, taking, input) : this.#refused(taking.until)
  }

  /** Locks that hold, those that hold longest first; at most `limit`. */
  async list(limit: number): Promise<readonly LockView[]> {
    const { counters, clock } = this.#parts
    const found = await counting(() => counters.list(lockPrefix, clock.now(), limit))
    return found
      .flatMap(({ key, resetsAt }) => {
        const text = key.slice(lockPrefix.length)
        const parsed = parseLockKey(text)
        return parsed === undefined ? [] : [{ ...parsed, id: Buffer.from(text).toString('base64url'), until: resetsAt }]
      })
      .sort((a, b) => b.until - a.until)
  }

  /** Lifts a lock by its id, and forgets the failures that led to it. Returns it, `undefined` when there is none. */
  async lift(id: string): Promise<ParsedLockKey | undefined> {
    const { counters, clock } = this.#parts
    const key = Buffer.from(id, 'base64url').toString()
    const parsed = parseLockKey(key)
    if (parsed === undefined) return undefined
    const lock = await lockedUntil(counters, [key], clock.now())
    // All the same: a run of failures may have closed the account before its lock was noted.
    await this.#endRun(key)
    await this.#budget.forgive(key)
    return lock === undefined ? undefined : parsed
  }

  /** Whether a known device still is one: after a ceiling of failures in a row it is a stranger, like any other. */
  async #isOpen(key: string): Promise<boolean> {
    const { counters, clock, rule } = this.#parts
    const run = await counting(() => counters.read(runPrefix + key, clock.now()))
    return (run?.count ?? 0) < rule.ceiling
  }

  async #take({ budget, run, locks }: Counted): Promise<Taking> {
    const { counters, clock, rule } = this.#parts
    // First, so that an attempt on what is locked is not counted: it makes no lock longer and reaches no ceiling.
    const lock = await lockedUntil(counters, locks, clock.now())
    if (lock !== undefined) return { turn: 'closed', until: lock }
    const taken = await this.#budget.take(budget)
    if (!taken.allowed) return { turn: 'full', until: taken.retryAt }
    const window = { now: clock.now(), windowMs: runMs, atMost: rule.ceiling }
    const { count: inRow, resetsAt } = await counting(() => counters.add(runPrefix + run, 1, window))
    if (inRow > rule.ceiling) return { turn: 'closed', until: resetsAt }
    // Again: another attempt may have locked, and with that emptied the budget, between the two steps before.
    const since = await lockedUntil(counters, locks, clock.now())
    return since === undefined ? { turn: 'held', count: taken.count, inRow } : { turn: 'closed', until: since }
  }

  #refused(until: Instant): RefusedAttempt {
    const retryAfter = secondsUntil(until, this.#parts.clock.now())
    return { allowed: false, error: new HoldfastError('account-locked', { retryAfter }) }
  }

  #allowed(counted: Counted, place: Place, input: AttemptInput): AllowedAttempt {
    const { devices, clock } = this.#parts
    let open = true
    const abandon = () => {
      if (open) this.#turns.end(counted.budget)
      open = false
    }
    return {
      allowed: true,
      knownDevice: counted.kind === 'device',
      failed: () => this.#failed(counted, place).finally(abandon),
      succeeded: async () => {
        await this.#forgive(counted).finally(abandon)
        return devices.renew(input.device, input.subject ?? '', clock.now())
      },
      abandon,
    }
  }

  async #failed({ kind, budget, run }: Counted, { count, inRow }: Place): Promise<LockKind | null> {
    const { counters, clock, rule } = this.#parts
    const locks = await this.#budget.failed(budget, count)
    if (inRow < rule.ceiling) return locks ? kind : null
    await addLock(counters, run, clock.now(), runMs)
    return kind === 'device' ? 'device' : 'account'
  }

  /** What a success ends: the failures it was counted among, and the account's run. Locks of other sources stay. */
  async #forgive({ kind, budget, account }: Counted): Promise<void> {
    await this.#budget.forgive(budget)
    await this.#endRun(account)
    if (kind === 'device') await this.#endRun(budget)
  }

  async #endRun(key: string): Promise<void> {
    const { counters } = this.#parts
    await counting(() => counters.reset(runPrefix + key))
    await counting(() => counters.reset(lockPrefix + key))
  }
}

function ofSource({ source, account }: LockKeys): Counted {
  return { kind: 'source', budget: source, run: account, locks: [source, account], account }
}

function ofDevice(keys: LockKeys, id: string): Counted {
  const key = keys.device(id)
  return { kind: 'device', budget: key, run: key, locks: [key], account: keys.account }
}
