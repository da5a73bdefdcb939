/**
 * The one timer of the stores: how long a driver may take that has no deadline of its own. In real time, because the drivers
 * are; whatever a session's life depends on goes by the clock that is injected.
 */

/** Calls `run` once after `ms`; returns a function that cancels. */
export function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms)
  return () => clearTimeout(timer)
}
