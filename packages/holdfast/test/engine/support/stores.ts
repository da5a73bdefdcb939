/** Stores between the engine and the memory store: failing, slow, or answering when a test says so. */
import type { ChangeFeed, SessionId, SessionStore } from '../../../src/store/store.ts'

export type Method = 'insert' | 'get' | 'replace' | 'touch' | 'list' | 'revoke' | 'sweep'
type Around = <T>(method: Method, run: () => T) => T

/** The same store with every call led through `around`. */
export function wrapStore(inner: SessionStore, around: Around, changes: ChangeFeed | undefined = inner.changes): SessionStore {
  return {
    insert: (record, cap) => around('insert', () => inner.insert(record, cap)),
    get: (id) => around('get', () => inner.get(id)),
    replace: (next, revision) => around('replace', () => inner.replace(next, revision)),
    touch: (sightings) => around('touch', () => inner.touch(sightings)),
    list: (query) => around('list', () => inner.list(query)),
    revoke: (target, revocation) => around('revoke', () => inner.revoke(target, revocation)),
    sweep: (query) => around('sweep', () => inner.sweep(query)),
    ...(changes === undefined ? {} : { changes }),
  }
}

export type When = 'before' | 'after'

export interface FailingStore {
  readonly store: SessionStore
  /** Calls since the last plan was made. */
  readonly calls: Method[]
  /** Fails the n-th call from now on (1 is the next), before or after its effect; `forMany` more calls after it fail too. */
  failAt(n: number, when: When, forMany?: number): void
  /** Fails every call of these methods until told otherwise. */
  failing: ReadonlySet<Method>
  /** While true every call is answered, and none counts: for a test that looks without disturbing. */
  looking: boolean
  recover(): void
}

export const allMethods: ReadonlySet<Method> = new Set(['insert', 'get', 'replace', 'touch', 'list', 'revoke', 'sweep'])

export function failingStore(inner: SessionStore): FailingStore {
  const calls: Method[] = []
  let plan: { from: number; to: number; when: When } | undefined
  const failing: FailingStore = {
    calls,
    failing: new Set(),
    looking: false,
    failAt(n, when, forMany = 0) {
      calls.length = 0
      plan = { from: n, to: n + forMany, when }
    },
    recover() {
      plan = undefined
      failing.failing = new Set()
    },
    store: wrapStore(inner, (method, run) => {
      if (failing.looking) return run()
      calls.push(method)
      const hit = plan !== undefined && calls.length >= plan.from && calls.length <= plan.to
      if (failing.failing.has(method) || (hit && plan?.when === 'before')) throw new Error(`no answer to ${method}`)
      const answer = run()
      if (hit) throw new Error(`lost the answer to ${method}`)
      return answer
    }),
  }
  return failing
}

/** A call that waits: `run` makes it take effect, `answer` tells the caller (and runs it if need be). */
export interface HeldCall {
  readonly method: Method
  run(): void
  answer(): void
}

export interface HoldingStore {
  readonly store: SessionStore
  /** Calls of these methods wait in `held`; the others are answered in the next turn. */
  holding: ReadonlySet<Method>
  readonly held: HeldCall[]
  readonly calls: Method[]
}

/** An asynchronous store: the effect and the answer of a call are two moments, and a test chooses both. */
export function holdingStore(inner: SessionStore, changes: ChangeFeed | undefined = inner.changes): HoldingStore {
  const held: HeldCall[] = []
  const calls: Method[] = []
  const around = (method: Method, run: () => unknown): unknown => {
    calls.push(method)
    if (!holding.holding.has(method)) return Promise.resolve().then(run)
    return new Promise((resolve, reject) => {
      let result: { readonly value: unknown } | undefined
      const effect = () => {
        result ??= { value: run() }
        return result.value
      }
      held.push({
        method,
        run: effect,
        answer: () => {
          try {
            resolve(effect())
          } catch (fault) {
            reject(fault)
          }
        },
      })
    })
  }
  const holding: HoldingStore = { holding: new Set(), held, calls, store: wrapStore(inner, around as Around, changes) }
  return holding
}

export interface RemoteFeed extends ChangeFeed {
  /** What `confirm` answers; 'throw' makes it throw. */
  trust: boolean | 'throw'
  confirmed: number
  /** Tells the listeners what has arrived so far. */
  deliver(): void
}

/** A feed as another node sees it: changes arrive when delivered, at the latest when `confirm` is asked. */
export function remoteFeed(inner: ChangeFeed | undefined): RemoteFeed {
  const arrived: (readonly SessionId[] | undefined)[] = []
  const listeners = new Set<(ids: readonly SessionId[] | undefined) => void>()
  inner?.subscribe((ids) => arrived.push(ids))
  const feed: RemoteFeed = {
    trust: true,
    confirmed: 0,
    deliver() {
      for (const ids of arrived.splice(0)) for (const listener of listeners) listener(ids)
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    confirm() {
      feed.confirmed += 1
      if (feed.trust === 'throw') throw new Error('the feed is broken')
      if (feed.trust) feed.deliver()
      return feed.trust
    },
  }
  return feed
}
