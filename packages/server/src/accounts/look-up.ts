/** Whose a session is. */
import type { Account } from './account.ts'
import type { AccountStore } from './store.ts'

type Accounts = Pick<AccountStore, 'get'>

/** The account of a subject, if there is one and it may act. */
export async function activeAccount(accounts: Accounts, subject: string | null | undefined): Promise<Account | undefined> {
  const account = subject == null ? undefined : await accounts.get(subject)
  return account?.disabled === false ? account : undefined
}

/** User names by subject, of those that have an account; each is asked for once. */
export async function usernamesOf(
  accounts: Accounts,
  owned: readonly { readonly subject: string | null }[],
): Promise<ReadonlyMap<string | null, string>> {
  const names = new Map<string | null, string>()
  for (const subject of new Set(owned.map(({ subject }) => subject))) {
    const account = subject === null ? undefined : await accounts.get(subject)
    if (account !== undefined) names.set(account.id, account.username)
  }
  return names
}
