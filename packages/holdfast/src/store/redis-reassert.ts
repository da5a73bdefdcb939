/** Asserts again what this node revoked and denied lately: after a failover the new primary may have forgotten it. */
import type { RecentRevocations } from './redis-recent.ts'
import type { RedisSessions } from './redis-sessions.ts'

/** Assertions sent at once. */
const width = 256

export class Reassertion {
  readonly #rounds: readonly (() => Promise<void>)[]
  #isRunning = false
  #isWanted = false

  constructor(rounds: readonly (() => Promise<void>)[]) {
    this.#rounds = rounds
  }

  /** Starts a round, or has one follow that which is under way. Faults are left to the next: a primary comes back. */
  start(): void {
    this.#isWanted = true
    if (this.#isRunning) return
    this.#isRunning = true
    void this.#run()
  }

  async #run(): Promise<void> {
    while (this.#isWanted) {
      this.#isWanted = false
      // Until it succeeds this node still holds them as revoked; the next reconnect starts again.
      await Promise.allSettled(this.#rounds.map((round) => round()))
    }
    this.#isRunning = false
  }
}

export async function assertRevocations(recent: RecentRevocations, sessions: RedisSessions): Promise<void> {
  const { everyone } = recent
  if (everyone !== undefined) await sessions.assertEveryone(everyone.epochs, everyone.revocation)
  await inGroups([...recent.all], ([id, revocation]) => sessions.revokeOne(id, null, revocation))
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
