/**
 * Bounds a map by letting its oldest entry go, to be called after each one that is set. A map keeps the order in which its keys were
 * set first: whoever wants the order of the last use deletes a key before setting it again.
 */
export function keepNewest<K>(entries: Map<K, unknown>, most: number): void {
  if (entries.size <= most) return
  for (const oldest of entries.keys()) {
    entries.delete(oldest)
    return
  }
}
