/** Who a name and password belong to. Unknown, wrong and disabled are one answer, at one cost. */
import type { Services } from '../services.ts'
import type { Account } from './account.ts'

type Parts = Pick<Services, 'accounts' | 'passwords'>

export type Recognition =
  | { readonly recognised: true; readonly account: Account }
  /** `account`: whose name was given, for the security log only. */
  | { readonly recognised: false; readonly account: Account | undefined; readonly why: 'unknown' | 'wrong-password' | 'disabled' }

/** Checks a name and password; always one hash verification, whatever is known of the name. */
export async function recognise({ accounts, passwords }: Parts, login: string, password: string): Promise<Recognition> {
  const account = await accounts.find(login)
  const matches = await passwords.verify(account?.passwordHash, password)
  if (account === undefined) return { recognised: false, account, why: 'unknown' }
  if (!matches) return { recognised: false, account, why: 'wrong-password' }
  if (account.disabled) return { recognised: false, account, why: 'disabled' }
  return { recognised: true, account }
}

/** Whether the account is still what was recognised: asked after the session exists, so that no change slips between. */
export async function isUnchanged({ accounts }: Parts, account: Account): Promise<boolean> {
  const current = await accounts.get(account.id)
  return current !== undefined && current.version === account.version
}

/** Brings a hash of older parameters to today's, with the password just recognised. */
export async function refreshHash({ accounts, passwords }: Parts, account: Account, password: string): Promise<void> {
  if (!passwords.isOutdated(account.passwordHash)) return
  await accounts.rehash(account.id, account.passwordHash, await passwords.hash(password))
}
