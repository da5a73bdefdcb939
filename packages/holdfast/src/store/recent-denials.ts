/** Denials that this node wrote: they hold here whatever the server says, and are asserted again when a primary changes. */
import { merged } from './denial.ts'
import type { Denial } from './denylist.ts'
import { inGroups, RecentWrites } from './reassertion.ts'
import type { Instant } from './store.ts'

export class RecentDenials {
  readonly #writes: RecentWrites<Denial> = new RecentWrites()

  /** Before it is written: what was asked for may be denied, never forgotten. */
  add(denial: Denial): void {
    this.#writes.set(denial.key, merged(this.#writes.get(denial.key), denial))
  }

  /** What the server has of `keys`, and what this node knows besides. */
  overlay(keys: readonly string[], found: readonly Denial[]): Denial[] {
    const stored = new Map(found.map((denial) => [denial.key, denial]))
    return [...new Set(keys)].flatMap((key) => {
      const own = this.#writes.get(key)
      const denial = stored.get(key)
      if (denial === undefined) return own ?? []
      return merged(own, denial)
    })
  }

  forgetEnded(now: Instant): void {
    for (const [key, { expiresAt }] of this.#writes.entries) if (expiresAt <= now) this.#writes.delete(key)
  }

  assertAgain(write: (denial: Denial) => Promise<unknown>): Promise<void> {
    return inGroups(this.#writes.entries, ([, denial]) => write(denial))
  }
}
