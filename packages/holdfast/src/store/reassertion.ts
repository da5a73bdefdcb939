/** Asserts again what this node revoked and denied lately: after a failover the new primary may have forgotten it. */
import type { RecentRevocations } from './recent-revocations.ts'
import type { Revocation, SessionId } from './store.ts'

/** Assertions sent at once. */
const width = 256

export class Reassertion {
  readonly #rounds: readonly (() => Promise<void>)[]
  #isRunning = false
  #isWanted = false

  constructor(rounds: readonly (() => Promise<void>)[]) {
    this.#rounds = rounds
  }

  /** A primary is there, or there again. Starts a round, or has one follow that which is under way. */
  start(): void {
    this.#isWanted = true
    this.resume()
  }

  /**
   * Tries again what a fault cut short: this connection may be there before those that the assertions go over. Until
   * then this node still holds them as revoked. Cheap when nothing is owed.
   */
  resume(): void {
    if (!this.#isWanted || this.#isRunning) return
    this.#isRunning = true
    void this.#run()
  }

  async #run(): Promise<void> {
    this.#isWanted = false
    const rounds = await Promise.allSettled(this.#rounds.map((round) => round()))
    this.#isRunning = false
    if (rounds.some(({ status }) => status === 'rejected')) this.#isWanted = true
    else this.resume()
  }
}

export interface Assertive {
  /** Brings each shard to at least the epoch that it had reached before. */
  assertEveryone(epochs: ReadonlyMap<string, number>, revocation: Revocation): Promise<void>
  revokeOne(id: SessionId, revocation: Revocation): Promise<unknown>
}

export async function assertRevocations(recent: RecentRevocations, sessions: Assertive): Promise<void> {
  const { everyone } = recent
  if (everyone !== undefined) await sessions.assertEveryone(everyone.epochs, everyone.revocation)
  await inGroups([...recent.all], ([id, revocation]) => sessions.revokeOne(id, revocation))
}

export async function inGroups<Item>(items: readonly Item[], work: (item: Item) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < items.length; from += width) await Promise.all(items.slice(from, from + width).map(work))
}

const mostKept = 10_000

/** The latest of what this node wrote, by key; the oldest make room. */
export class RecentWrites<Value> {
  readonly #values: Map<string, Value> = new Map()

  get(key: string): Value | undefined {
    return this.#values.get(key)
  }

  set(key: string, value: Value): void {
    this.#values.delete(key)
    this.#values.set(key, value)
    const [oldest] = this.#values.keys()
    if (this.#values.size > mostKept && oldest !== undefined) this.#values.delete(oldest)
  }

  delete(key: string): void {
    this.#values.delete(key)
  }

  get entries(): readonly (readonly [key: string, value: Value])[] {
    return [...this.#values]
  }
}
