/** What a change makes of an account, whatever it is stored in. */
import type { Account } from './account.ts'
import type { AccountChange } from './store.ts'

export function changed(before: Account, change: AccountChange): Account {
  const account = {
    ...before,
    role: change.role ?? before.role,
    disabled: change.disabled ?? before.disabled,
    email: change.email === undefined ? before.email : change.email,
    passwordHash: change.password?.hash ?? before.passwordHash,
    passwordChangedAt: change.password?.changedAt ?? before.passwordChangedAt,
  }
  const counts = account.role !== before.role || account.disabled !== before.disabled || change.password !== undefined
  return { ...account, version: before.version + (counts ? 1 : 0) }
}

/** Databases keep no other text, and stop at or refuse a null character: nothing is found by it. */
export function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

/** Text for a LIKE pattern whose escape is the backslash. */
export function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, (character) => `\\${character}`)
}
