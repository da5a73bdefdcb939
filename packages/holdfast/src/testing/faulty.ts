/** A store that fails when told to: for testing what an app does when its store is down, slow or half there. */
import type { Awaitable, Store } from '../store/store.ts'

export type StoreCall =
  | 'insert'
  | 'get'
  | 'replace'
  | 'touch'
  | 'list'
  | 'revoke'
  | 'sweep'
  | `tickets.${'put' | 'take' | 'sweep'}`
  | `counters.${'add' | 'read' | 'reset' | 'list' | 'sweep'}`
  | `denylist.${'put' | 'find' | 'sweep'}`
  | `apiKeys.${'insert' | 'get' | 'list' | 'touch' | 'revoke' | 'revokeOwner' | 'sweep'}`
  | `eventLog.${'append' | 'last' | 'read' | 'sweep'}`
  | 'changes.confirm'

/**
 * `fail-before` throws and does nothing; `fail-after` does it and throws, as when an answer is lost; `hold-before`
 * and `hold-after` wait for `release`, before or after doing it.
 */
export type FaultMode = 'fail-before' | 'fail-after' | 'hold-before' | 'hold-after'

export interface Fault {
  readonly mode: FaultMode
  /** Only these calls; absent: every call. */
  readonly on?: StoreCall | readonly StoreCall[]
  /** The first call that it hits, counted from 1 among those it is for and from when it was planned. Default 1. */
  readonly nth?: number
  /** How many calls in a row it hits. Default 1; `Infinity`: until healed. */
  readonly times?: number
  /** What is thrown. Default an `Error` that says so. */
  readonly error?: unknown
}

export interface FaultyStore extends Store {
  /** Adds faults to the plan. */
  plan(...faults: readonly Fault[]): void
  /** Drops the plan and lets go of every held call. */
  heal(): void
  /** Lets go of every call that is held now. */
  release(): void
  /** Calls so far, of one kind or of all. */
  calls(call?: StoreCall): number
  /** Calls that are held. */
  readonly held: number
}

interface Planned {
  readonly fault: Fault
  seen: number
}

/** Wraps a store. `changes.confirm` cannot wait, so that a hold fails it. */
export function faultyStore(store: Store, ...faults: readonly Fault[]): FaultyStore {
  const control = new FaultControl()
  control.plan(faults)
  const wrap = <Args extends unknown[], Result>(call: StoreCall, run: (...args: Args) => Awaitable<Result>) => {
    return (...args: Args): Awaitable<Result> => control.through(call, () => run(...args))
  }
  const { tickets, counters, denylist, apiKeys, eventLog, changes } = store
  return {
    insert: wrap('insert', (record, cap) => store.insert(record, cap)),
    get: wrap('get', (id, held) => store.get(id, held)),
    replace: wrap('replace', (next, revision) => store.replace(next, revision)),
    touch: wrap('touch', (sightings) => store.touch(sightings)),
    list: wrap('list', (query) => store.list(query)),
    revoke: wrap('revoke', (target, revocation) => store.revoke(target, revocation)),
    sweep: wrap('sweep', (query) => store.sweep(query)),
    tickets: {
      put: wrap('tickets.put', (ticket) => tickets.put(ticket)),
      take: wrap('tickets.take', (id, now) => tickets.take(id, now)),
      sweep: wrap('tickets.sweep', (now, limit) => tickets.sweep(now, limit)),
    },
    counters: {
      add: wrap('counters.add', (key, amount, window) => counters.add(key, amount, window)),
      read: wrap('counters.read', (key, now) => counters.read(key, now)),
      reset: wrap('counters.reset', (key) => counters.reset(key)),
      list: wrap('counters.list', (prefix, now, limit) => counters.list(prefix, now, limit)),
      sweep: wrap('counters.sweep', (now, limit) => counters.sweep(now, limit)),
    },
    denylist: {
      put: wrap('denylist.put', (denial) => denylist.put(denial)),
      find: wrap('denylist.find', (keys, now) => denylist.find(keys, now)),
      sweep: wrap('denylist.sweep', (now, limit) => denylist.sweep(now, limit)),
    },
    apiKeys: {
      insert: wrap('apiKeys.insert', (record, cap) => apiKeys.insert(record, cap)),
      get: wrap('apiKeys.get', (id) => apiKeys.get(id)),
      list: wrap('apiKeys.list', (query) => apiKeys.list(query)),
      touch: wrap('apiKeys.touch', (id, usedAt, ip) => apiKeys.touch(id, usedAt, ip)),
      revoke: wrap('apiKeys.revoke', (id, at) => apiKeys.revoke(id, at)),
      revokeOwner: wrap('apiKeys.revokeOwner', (owner, at) => apiKeys.revokeOwner(owner, at)),
      sweep: wrap('apiKeys.sweep', (endedBefore, limit) => apiKeys.sweep(endedBefore, limit)),
    },
    eventLog: {
      append: wrap('eventLog.append', (events, after) => eventLog.append(events, after)),
      last: wrap('eventLog.last', () => eventLog.last()),
      read: wrap('eventLog.read', (query) => eventLog.read(query)),
      sweep: wrap('eventLog.sweep', (before, limit) => eventLog.sweep(before, limit)),
    },
    ...(changes === undefined
      ? {}
      : {
          changes: {
            subscribe: (listener) => changes.subscribe(listener),
            confirm: (now, maxAge) => control.throughNow('changes.confirm', () => changes.confirm(now, maxAge)),
          },
        }),
    async [Symbol.asyncDispose]() {
      control.heal()
      await store[Symbol.asyncDispose]?.()
    },
    plan: (...added) => control.plan(added),
    heal: () => control.heal(),
    release: () => control.release(),
    calls: (call) => control.calls(call),
    get held() {
      return control.held
    },
  }
}

class FaultControl {
  readonly #counts: Map<StoreCall, number> = new Map()
  #planned: Planned[] = []
  #waiting: (() => void)[] = []

  get held(): number {
    return this.#waiting.length
  }

  plan(faults: readonly Fault[]): void {
    for (const fault of faults) this.#planned.push({ fault, seen: 0 })
  }

  heal(): void {
    this.#planned = []
    this.release()
  }

  release(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resume of waiting) resume()
  }

  calls(call?: StoreCall): number {
    if (call !== undefined) return this.#counts.get(call) ?? 0
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0)
  }

  through<Result>(call: StoreCall, run: () => Awaitable<Result>): Awaitable<Result> {
    const fault = this.#next(call)
    if (fault === undefined) return run()
    if (fault.mode === 'fail-before') throw errorOf(fault, call)
    return this.#disturbed(fault, call, run)
  }

  throughNow<Result>(call: StoreCall, run: () => Result): Result {
    const fault = this.#next(call)
    if (fault === undefined) return run()
    if (fault.mode.endsWith('after')) run()
    throw errorOf(fault, call)
  }

  async #disturbed<Result>(fault: Fault, call: StoreCall, run: () => Awaitable<Result>): Promise<Result> {
    if (fault.mode === 'hold-before') await this.#hold()
    const result = await run()
    if (fault.mode === 'fail-after') throw errorOf(fault, call)
    if (fault.mode === 'hold-after') await this.#hold()
    return result
  }

  #hold(): Promise<void> {
    return new Promise((resume) => {
      this.#waiting.push(resume)
    })
  }

  /** Counts the call for every planned fault, and returns the first that hits it. */
  #next(call: StoreCall): Fault | undefined {
    this.#counts.set(call, (this.#counts.get(call) ?? 0) + 1)
    let hit: Fault | undefined
    for (const planned of this.#planned) {
      if (!isFor(planned.fault, call)) continue
      planned.seen += 1
      const { nth = 1, times = 1 } = planned.fault
      if (planned.seen >= nth && planned.seen < nth + times) hit ??= planned.fault
    }
    return hit
  }
}

function isFor({ on }: Fault, call: StoreCall): boolean {
  if (on === undefined) return true
  return typeof on === 'string' ? on === call : on.includes(call)
}

function errorOf(fault: Fault, call: StoreCall): unknown {
  return fault.error ?? new Error(`planned fault: ${call} (${fault.mode})`)
}
