/** An engine as the tests start it: still clock, repeatable randomness, everything it says kept. */
import type { EngineApi } from '../../../src/engine/api.ts'
import { createEngine } from '../../../src/engine/engine.ts'
import { ConfigurationError } from '../../../src/engine/errors.ts'
import type { SecurityEvent } from '../../../src/engine/events.ts'
import { type EngineOptions, parseEngineOptions } from '../../../src/engine/options.ts'
import type { Issued, Verdict } from '../../../src/engine/session.ts'
import type { EventKind } from '../../../src/shared/event-kinds.ts'
import type { FieldProblem } from '../../../src/shared/wire.ts'
import { memoryStore } from '../../../src/store/memory.ts'
import type { Attributes, SessionStore } from '../../../src/store/store.ts'
import { type FakeClock, fakeClock, seededRandom } from '../../../src/testing/index.ts'

export const secret = 'k3Jq9vTz1mXw8RbY5nLd2HsG7pCf4Ua0'
export const newerSecret = 'Zt6Wm1Qx9Vb4Nc8Rl3Kj7Hg2Fd5Sa0Pe'

export const firefox = { ip: '203.0.113.7', userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0' }
export const chrome = {
  ip: '203.0.113.7',
  userAgent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
}

export const second = 1000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour

export interface Started {
  readonly engine: EngineApi
  readonly clock: FakeClock
  readonly store: SessionStore
  readonly events: SecurityEvent[]
  readonly faults: { readonly fault: unknown; readonly doing: string }[]
  /** Kinds of the events so far, in order; forgets them. */
  told(): EventKind[]
}

export interface StartOptions extends Partial<Omit<EngineOptions, 'clock'>> {
  readonly clock?: FakeClock
  readonly seed?: number
}

export function start({ seed = 1, ...options }: StartOptions = {}): Started {
  const clock = options.clock ?? fakeClock()
  const store = options.store ?? memoryStore()
  const events: SecurityEvent[] = []
  const faults: { fault: unknown; doing: string }[] = []
  const problems: FieldProblem[] = []
  const settings = parseEngineOptions<Attributes>(
    {
      secret,
      random: seededRandom(seed),
      onFault: (fault, doing) => faults.push({ fault, doing }),
      ...options,
      store,
      clock,
    },
    (problem) => problems.push(problem),
  )
  if (problems.length > 0) throw new ConfigurationError(problems)
  const engine = createEngine<Attributes>(settings, store)
  engine.on((event) => events.push(event))
  return {
    engine,
    clock,
    store,
    events,
    faults,
    told: () => events.splice(0).map(({ kind }) => kind),
  }
}

/** Lets everything that waits for nothing but its turn run to its end. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** A value that must be there for the test to go on. */
export function must<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new TypeError('expected a value')
  return value
}

export async function outcome(
  { engine }: Pick<Started, 'engine'>,
  issued: Pick<Issued, 'token'>,
  ...rest: Rest
): Promise<string> {
  return outcomeOf(await engine.verify(issued.token, ...rest))
}

type Rest = [context?: Parameters<EngineApi['verify']>[1], options?: Parameters<EngineApi['verify']>[2]]

/** `live`, the reason of being dead, or the code of not knowing. */
export function outcomeOf(verdict: Verdict): string {
  if (verdict.status === 'live') return 'live'
  return verdict.status === 'dead' ? verdict.reason : verdict.code
}

export interface Deferred<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(fault: unknown): void
}

export function deferred<T>(): Deferred<T> {
  let settleWith: Omit<Deferred<T>, 'promise'> | undefined
  const promise = new Promise<T>((resolve, reject) => {
    settleWith = { resolve, reject }
  })
  return { promise, ...must(settleWith) }
}
