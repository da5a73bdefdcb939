/** Who is told when records change: shared by the embedded stores. */
import type { SessionId } from './store.ts'

export type ChangeListener = (ids: readonly SessionId[] | undefined) => void

export class ChangeListeners {
  readonly #listeners: Set<ChangeListener> = new Set()

  subscribe(listener: ChangeListener): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  /** Tells each listener at once: these records changed; `undefined`: any may have. No ids, no call. */
  tell(ids: readonly SessionId[] | undefined): void {
    if (ids?.length === 0) return
    for (const listener of this.#listeners) listener(ids)
  }
}
