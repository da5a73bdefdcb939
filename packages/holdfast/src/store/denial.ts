/** How two denials of one key become one, the same for every store that does it here. */
import type { Denial } from './denylist.ts'

/** The later of both in each respect; `before: null` is later than any instant. */
export function merged(stored: Denial | undefined, { key, before, expiresAt }: Denial): Denial {
  if (stored === undefined) return { key, before, expiresAt }
  return {
    key,
    before: stored.before === null || before === null ? null : Math.max(stored.before, before),
    expiresAt: Math.max(stored.expiresAt, expiresAt),
  }
}
