/** Set-up: the first administrator is made with a one-time token that only whoever started the server can read. */
import type { AccountStore } from './accounts/store.ts'
import type { Now } from './clock.ts'
import { equalSecret, randomText } from './random.ts'

/** A printed link that is never used must not stay open for good. */
export const setupLifetimeMs = 3_600_000
const tokenBytes = 32

export interface Setup {
  readonly token: string
  /** Whether there is no administrator yet. */
  isNeeded(): Promise<boolean>
  /** Judges a presented token; constant time. Whether it was spent is the account store's to say, atomically. */
  judge(token: string): 'right' | 'wrong' | 'expired'
}

export function createSetup(accounts: AccountStore, now: Now, token: string = randomText(tokenBytes)): Setup {
  const expiresAt = now() + setupLifetimeMs
  return {
    token,
    isNeeded: async () => !(await accounts.hasAdministrator()),
    judge(given) {
      if (!equalSecret(given, token)) return 'wrong'
      return now() < expiresAt ? 'right' : 'expired'
    },
  }
}
