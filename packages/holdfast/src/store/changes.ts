/** Who is told when records change: shared by the embedded stores. */
import type { ChangeFeed, Revocation, SessionId } from './store.ts'

export type ChangeListener = Parameters<ChangeFeed['subscribe']>[0]

export class ChangeListeners {
  readonly #listeners: Set<ChangeListener> = new Set()

  subscribe(listener: ChangeListener): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  /** Tells each listener at once: these records changed, or were `ended` so; `undefined`: any may have. No ids, no call. */
  tell(ids: readonly SessionId[] | undefined, ended?: Revocation): void {
    if (ids?.length === 0) return
    for (const listener of this.#listeners) listener(ids, ended)
  }
}
