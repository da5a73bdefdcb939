/**
 * Attempts under way in this process, by key. When all of a budget is taken by attempts that have not failed yet, the
 * next one waits for their outcome: an owner who signs in many times at once is not an attacker.
 */
import type { Awaitable } from '../store/store.ts'
import { andThen } from './counting.ts'

/** Attempts that wait for one key. More are refused at once. */
const mostWaiting = 256

/** `held`: counted, its outcome to come. `full`: the budget is taken. `closed`: there is nothing to wait for. */
export type Turn = 'held' | 'full' | 'closed'

interface State {
  /** Attempts that take, wait or are held; when there are none the state goes. */
  users: number
  held: number
  outcomes: number
  waiting: (() => void)[]
  /** The latest take that was not done at once; whoever comes next waits for it. */
  last: Promise<unknown> | undefined
}

export class Turns {
  readonly #states: Map<string, State> = new Map()

  /**
   * Takes, again after each outcome of another attempt for as long as the budget is full. A held one is ended with `end`.
   * At once where nobody else is under way and the store answers at once.
   */
  take<T extends { readonly turn: Turn }>(key: string, take: () => Awaitable<T>): Awaitable<T> {
    if (this.#states.has(key)) return this.#takeInTurn(key, take)
    let first: Awaitable<T> | undefined = take()
    if (!(first instanceof Promise)) {
      if (first.turn === 'held') this.#enter(key).held += 1
      return first
    }
    return this.#takeInTurn(key, () => {
      const taking = first ?? take()
      first = undefined
      return taking
    })
  }

  async #takeInTurn<T extends { readonly turn: Turn }>(key: string, take: () => Awaitable<T>): Promise<T> {
    const state = this.#enter(key)
    try {
      for (;;) {
        let before = 0
        // One at a time, so that whoever finds the budget full knows every attempt that holds a part of it.
        const taking = andThen(state.last, () => {
          before = state.outcomes
          return andThen(take(), (taken) => {
            if (taken.turn === 'held') this.#enter(key).held += 1
            return taken
          })
        })
        if (taking instanceof Promise) state.last = taking.catch(() => undefined)
        const taken = taking instanceof Promise ? await taking : taking
        if (taken.turn !== 'full') return taken
        if (state.outcomes !== before) continue
        if (state.held === 0 || state.waiting.length >= mostWaiting) return taken
        await new Promise<void>((resume) => state.waiting.push(resume))
      }
    } finally {
      this.#leave(key, state)
    }
  }

  /** A held attempt has its outcome. */
  end(key: string): void {
    const state = this.#states.get(key)
    if (state === undefined) return
    state.held -= 1
    state.outcomes += 1
    const { waiting } = state
    state.waiting = []
    for (const resume of waiting) resume()
    this.#leave(key, state)
  }

  #enter(key: string): State {
    let state = this.#states.get(key)
    if (state === undefined) {
      state = { users: 0, held: 0, outcomes: 0, waiting: [], last: undefined }
      this.#states.set(key, state)
    }
    state.users += 1
    return state
  }

  #leave(key: string, state: State): void {
    state.users -= 1
    if (state.users === 0) this.#states.delete(key)
  }
}
