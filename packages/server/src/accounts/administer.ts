/** Changes to accounts together with what they mean for sessions: one place for the routes and the command line. */
import { HoldfastError, invalidField, type RevocationReason, type RevokeResult } from 'holdfast'
import { passwordProblem } from '../passwords/policy.ts'
import { randomText } from '../random.ts'
import type { Services } from '../services.ts'
import type { Account, Role } from './account.ts'
import type { AccountChange, Creation } from './store.ts'

type Parts = Pick<Services, 'accounts' | 'apiKeys' | 'holdfast' | 'passwords' | 'now'>

export interface NewAccount {
  readonly username: string
  readonly password: string
  readonly email?: string | undefined
  readonly role?: Role | undefined
}

const idBytes = 16
const idSpelling = /^[\w-]+$/

/** Throws `invalid-request` naming `field` when the password may not be this owner's. */
export function requireGoodPassword(
  password: string,
  owner: { readonly username: string; readonly email?: string | null | undefined },
  field: string,
): void {
  const message = passwordProblem(password, owner)
  if (message !== undefined) throw invalidField(field, message)
}

const creationRefusals: Readonly<Record<Exclude<Creation, 'created'>, () => HoldfastError>> = {
  'username-taken': () => new HoldfastError('conflict', { fields: [{ field: 'username', message: 'is taken' }] }),
  'email-taken': () => new HoldfastError('conflict', { fields: [{ field: 'email', message: 'is taken' }] }),
  'administrator-exists': () => new HoldfastError('conflict', { detail: 'There is an administrator already' }),
}

/** Makes an account. Throws `invalid-request` for a bad password, `conflict` for a taken name. */
export async function createAccount(
  { accounts, passwords, now }: Parts,
  input: NewAccount,
  asFirstAdministrator = false,
): Promise<Account> {
  requireGoodPassword(input.password, input, 'password')
  const at = now()
  const account: Account = {
    id: randomText(idBytes),
    username: input.username,
    email: input.email ?? null,
    role: input.role ?? 'user',
    disabled: false,
    createdAt: at,
    passwordHash: await passwords.hash(input.password),
    passwordChangedAt: at,
    version: 0,
  }
  const creation = await accounts.create(account, { asFirstAdministrator })
  if (creation !== 'created') throw creationRefusals[creation]()
  return account
}

function refusalOfChange(outcome: 'not-found' | 'email-taken' | 'last-administrator' | 'version-differs'): HoldfastError {
  if (outcome === 'not-found') return new HoldfastError('not-found')
  if (outcome === 'email-taken') return creationRefusals['email-taken']()
  if (outcome === 'version-differs') return new HoldfastError('conflict', { detail: 'The account changed meanwhile' })
  return new HoldfastError('conflict', { detail: 'The last enabled administrator cannot be demoted, disabled or deleted' })
}

/** Why a change of an account ends its sessions; `undefined` when it does not. */
function endingReason(change: AccountChange, before: Account, after: Account): RevocationReason | undefined {
  // Asked again for an account that is disabled already: the first try may have failed before its sessions ended.
  if (change.disabled === true) return 'subject-disabled'
  return before.role === after.role ? undefined : 'role-change'
}

/** Why one whose answer was lost ends them: it may have been made all the same. */
function reasonInDoubt({ disabled, role }: AccountChange): RevocationReason | undefined {
  if (disabled === true) return 'subject-disabled'
  return role === undefined ? undefined : 'role-change'
}

/** Sessions, and the keys of an account that may do nothing any more; each whatever becomes of the other. */
async function endAccess({ apiKeys, holdfast }: Parts, id: string, reason: RevocationReason): Promise<RevokeResult> {
  const [sessions, keys] = await Promise.allSettled([
    holdfast.revoke({ subject: id }, { reason }),
    reason === 'role-change' ? undefined : apiKeys.revokeOwner(id),
  ])
  if (sessions.status === 'rejected') throw sessions.reason
  if (keys.status === 'rejected') throw keys.reason
  return sessions.value
}

/** Runs what may have happened although it throws, and then cleans up after it; throws what it threw. */
async function orElse<T>(run: () => T | Promise<T>, cleanUp: () => Promise<unknown>): Promise<T> {
  try {
    return await run()
  } catch (fault) {
    // What the engine cannot record it repeats, and holds here at once.
    await cleanUp().catch(() => undefined)
    throw fault
  }
}

/**
 * Changes role, disabling or address. The account changes first, so that no sign-in starts anew; then its
 * sessions end, also when it cannot be told whether it changed. When they cannot be ended this throws
 * `store-unavailable`, and doing it again finishes the work.
 */
export async function changeAccount(parts: Parts, id: string, change: AccountChange): Promise<Account> {
  const doubt = reasonInDoubt(change)
  const result = await orElse(
    () => parts.accounts.change(id, change),
    async () => doubt !== undefined && endAccess(parts, id, doubt),
  )
  if (result.outcome !== 'changed') throw refusalOfChange(result.outcome)
  const reason = endingReason(change, result.before, result.account)
  if (reason !== undefined) await endAccess(parts, id, reason)
  return result.account
}

export async function removeAccount(parts: Parts, id: string): Promise<void> {
  // What is no id has no sessions either, although they are looked for also when the account is gone.
  if (!idSpelling.test(id)) throw new HoldfastError('not-found')
  const removal = await orElse(
    () => parts.accounts.remove(id),
    () => endAccess(parts, id, 'subject-deleted'),
  )
  if (removal === 'last-administrator') throw refusalOfChange(removal)
  const { revoked } = await endAccess(parts, id, 'subject-deleted')
  if (removal === 'not-found' && revoked.length === 0) throw new HoldfastError('not-found')
}

/**
 * What follows the decision to change a password: when it throws, the password may have changed, and no session may
 * outlive that. Every session of the account ends then, the one that asks included.
 */
export function orEndAll<T>({ holdfast }: Parts, subject: string, run: () => T | Promise<T>): Promise<T> {
  return orElse(run, () => holdfast.revoke({ subject }, { reason: 'credential-change' }))
}

/** Sets a password without the old one (an administrator at the command line) and ends every session of the account. */
export async function setPassword(parts: Parts, account: Account, password: string): Promise<void> {
  const { accounts, holdfast, passwords, now } = parts
  requireGoodPassword(password, account, 'password')
  const hash = await passwords.hash(password)
  const change = { password: { hash, changedAt: now() } }
  const result = await orEndAll(parts, account.id, () => accounts.change(account.id, change))
  if (result.outcome !== 'changed') throw refusalOfChange(result.outcome)
  await holdfast.revoke({ subject: account.id }, { reason: 'credential-change' })
}

export interface PasswordChange {
  readonly account: Account
  readonly newPassword: string
  /** The session that asks, which stays. */
  readonly session: string
}

/** An account's own change, its current password having been confirmed. Every other session ends. */
export async function changeOwnPassword(parts: Parts, input: PasswordChange): Promise<void> {
  const { accounts, holdfast, passwords, now } = parts
  const { account, session } = input
  requireGoodPassword(input.newPassword, account, 'newPassword')
  const hash = await passwords.hash(input.newPassword)
  const endOthers = (): Promise<RevokeResult> =>
    holdfast.revoke({ subject: account.id, except: session }, { reason: 'credential-change' })
  // Before, so that the old password stays good when the session store is down; after, for sessions begun in between.
  await endOthers()
  const change = { password: { hash, changedAt: now() }, ifVersion: account.version }
  const result = await orEndAll(parts, account.id, () => accounts.change(account.id, change))
  if (result.outcome !== 'changed') throw refusalOfChange(result.outcome)
  await orEndAll(parts, account.id, endOthers)
}
