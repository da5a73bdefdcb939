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
import type { Awaitable, Instant } from '../store/store.ts'
import { addLock, type BudgetRule, FailureBudget, lockedUntil, lockPrefix } from './budget.ts'
import { andThen, counting, secondsUntil } from './counting.ts'
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

/** Counters of failures in a row: of the run, and of the lock that it ends in. */
interface Run {
  readonly run: string
  readonly lock: string
}

/** What an attempt is counted against: a budget, a run of failures, and the locks that close it. */
interface Counted {
  readonly kind: 'source' | 'device'
  readonly budget: FailureBudget
  readonly inRow: Run
  readonly locks: readonly string[]
  /** The run that a success ends, whatever it was counted against. */
  readonly account: Run
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
  readonly #turns: Turns = new Turns()

  constructor(parts: LockoutParts) {
    this.#parts = parts
  }

  /** The id of the known device that makes a request, `undefined` for any other. */
  deviceOf(input: AttemptInput): string | undefined {
    const { devices, clock } = this.#parts
    // An unknown name costs the same look.
    return devices.recognise(input.device, input.subject ?? '', clock.now())
  }

  /**
   * Counts an attempt before its password is looked at. Throws `store-unavailable` when it cannot be counted. Whoever
   * is allowed calls `failed`, `succeeded` or `abandon`. `before` is told of the known device, if it is one, and may refuse.
   */
  async attempt(input: AttemptInput, before?: (device: string | undefined) => Promise<void>): Promise<Attempt> {
    const device = this.deviceOf(input)
    if (before !== undefined) await before(device)
    const keys = lockKeys(this.#parts.keyring, input.name, input.subject, sourceOf(input.ip))
    const isOpen = device !== undefined && (await this.#isOpen(runOf(keys.device(device))))
    const counted = isOpen ? this.#ofDevice(keys, device) : this.#ofSource(keys)
    // By the lock's name: the counters look for it too, and a long string is hashed once.
    const taken = this.#turns.take(counted.budget.lock, () => this.#take(counted))
    const taking = taken instanceof Promise ? await taken : taken
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
    const budget = this.#budgetOf(key)
    const lock = await lockedUntil(counters, [budget.lock], clock.now())
    // All the same: a run of failures may have closed the account before its lock was noted.
    await this.#endRun(runOf(key))
    await budget.forgive()
    return lock === undefined ? undefined : parsed
  }

  /** Whether a known device still is one: after a ceiling of failures in a row it is a stranger, like any other. */
  async #isOpen({ run }: Run): Promise<boolean> {
    const { counters, clock, rule } = this.#parts
    const failures = await counting(() => counters.read(run, clock.now()))
    return (failures?.count ?? 0) < rule.ceiling
  }

  #take(counted: Counted): Awaitable<Taking> {
    const { counters } = this.#parts
    const now = this.#parts.clock.now()
    // First, so that an attempt on what is locked is not counted: it makes no lock longer and reaches no ceiling.
    return andThen(lockedUntil(counters, counted.locks, now), (lock) =>
      lock === undefined ? this.#count(counted, now) : { turn: 'closed', until: lock },
    )
  }

  #count({ budget, inRow, locks }: Counted, now: Instant): Awaitable<Taking> {
    const { counters, rule } = this.#parts
    return andThen(budget.take(), (taken) => {
      if (!taken.allowed) return { turn: 'full', until: taken.retryAt }
      const window = { now, windowMs: runMs, atMost: rule.ceiling }
      return andThen(
        counting(() => counters.add(inRow.run, 1, window)),
        (run): Awaitable<Taking> => {
          if (run.count > rule.ceiling) return { turn: 'closed', until: run.resetsAt }
          // Again: another attempt may have locked, and with that emptied the budget, between the two steps before.
          return andThen(lockedUntil(counters, locks, now), (lock) =>
            lock === undefined ? { turn: 'held', count: taken.count, inRow: run.count } : { turn: 'closed', until: lock },
          )
        },
      )
    })
  }

  #refused(until: Instant): RefusedAttempt {
    const retryAfter = secondsUntil(until, this.#parts.clock.now())
    return { allowed: false, error: new HoldfastError('account-locked', { retryAfter }) }
  }

  #allowed(counted: Counted, place: Place, input: AttemptInput): AllowedAttempt {
    const { devices, clock } = this.#parts
    let open = true
    const abandon = () => {
      if (open) this.#turns.end(counted.budget.lock)
      open = false
    }
    return {
      allowed: true,
      knownDevice: counted.kind === 'device',
      failed: () => this.#failed(counted, place).finally(abandon),
      succeeded: async () => {
        try {
          const forgiving = this.#forgive(counted)
          if (forgiving instanceof Promise) await forgiving
        } finally {
          abandon()
        }
        return devices.renew(input.device, input.subject ?? '', clock.now())
      },
      abandon,
    }
  }

  async #failed({ kind, budget, inRow: { lock } }: Counted, { count, inRow }: Place): Promise<LockKind | null> {
    const { counters, clock, rule } = this.#parts
    const locks = await budget.failed(count)
    if (inRow < rule.ceiling) return locks ? kind : null
    await addLock(counters, lock, clock.now(), runMs)
    return kind === 'device' ? 'device' : 'account'
  }

  /** What a success ends: the failures it was counted among, and the account's run. Locks of other sources stay. */
  #forgive({ kind, budget, inRow, account }: Counted): Awaitable<unknown> {
    const forgiving = andThen(budget.forgive(), () => this.#endRun(account))
    return kind === 'device' ? andThen(forgiving, () => this.#endRun(inRow)) : forgiving
  }

  #endRun({ run, lock }: Run): Awaitable<unknown> {
    const { counters } = this.#parts
    return andThen(
      counting(() => counters.reset(run)),
      () => counting(() => counters.reset(lock)),
    )
  }

  #budgetOf(key: string): FailureBudget {
    const { counters, clock, rule } = this.#parts
    return new FailureBudget(counters, clock, rule, key)
  }

  #ofSource(keys: LockKeys): Counted {
    const budget = this.#budgetOf(keys.source)
    const account = runOf(keys.account)
    return { kind: 'source', budget, inRow: account, locks: [budget.lock, account.lock], account }
  }

  #ofDevice(keys: LockKeys, id: string): Counted {
    const budget = this.#budgetOf(keys.device(id))
    return { kind: 'device', budget, inRow: runOf(budget.key), locks: [budget.lock], account: runOf(keys.account) }
  }
}

function runOf(key: string): Run {
  return { run: runPrefix + key, lock: lockPrefix + key }
}
