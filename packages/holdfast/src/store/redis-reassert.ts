/** Asserts again what this node revoked lately: after a failover the new primary may have forgotten it. */
import type { RecentRevocations } from './redis-recent.ts'
import type { RedisSessions } from './redis-sessions.ts'

/** Revocations asserted at once. */
const width = 256

export class Reassertion {
  readonly #recent: RecentRevocations
  readonly #sessions: RedisSessions
  #isRunning = false
  #isWanted = false

  constructor(recent: RecentRevocations, sessions: RedisSessions) {
    this.#recent = recent
    this.#sessions = sessions
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
      try {
        await this.#assertAll()
      } catch {
        // Until it succeeds this node still holds them as revoked; the next reconnect starts again.
      }
    }
    this.#isRunning = false
  }

  async #assertAll(): Promise<void> {
    const { everyone } = this.#recent
    if (everyone !== undefined) await this.#sessions.assertEveryone(everyone.epochs, everyone.revocation)
    const all = [...this.#recent.all]
    for (let from = 0; from < all.length; from += width) {
      const some = all.slice(from, from + width)
      await Promise.all(some.map(([id, revocation]) => this.#sessions.revokeOne(id, null, revocation)))
    }
  }
}
