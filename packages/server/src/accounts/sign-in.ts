/** Who a name and password belong to. Unknown, wrong and disabled are one answer, at one cost. */
import type { HoldfastRequest, SignInAttempt } from 'holdfast'
import type { Services } from '../services.ts'
import type { Account } from './account.ts'

type Parts = Pick<Services, 'accounts' | 'passwords' | 'securityLog'>

export type Recognition =
  | { readonly recognised: true; readonly account: Account; readonly knownDevice: boolean }
  /** `account`: whose name was given, for the security log only. */
  | { readonly recognised: false; readonly account: Account | undefined; readonly why: 'unknown' | 'wrong-password' | 'disabled' }

export interface Presented {
  readonly login: string
  readonly password: string
  readonly request: HoldfastRequest
}

/** What a failed attempt locked is told once, when it locks. */
async function noteFailure(
  { securityLog }: Parts,
  attempt: SignInAttempt,
  subject: string | null,
  ip: string | null,
): Promise<void> {
  if (!attempt.allowed) return
  const locked = await attempt.failed()
  if (locked !== null) securityLog({ kind: 'authn_login_lock', subject, ip, reason: locked })
}

/**
 * Looks at a password once it is counted as an attempt; always one hash verification, whatever is known of the name
 * and whether it is locked: the time must not tell. Throws `account-locked`, `rate-limited`, `csrf-failed`.
 */
async function matches(
  parts: Parts,
  account: Account | undefined,
  { login, password, request }: Presented,
): Promise<{ readonly right: boolean; readonly knownDevice: boolean }> {
  const subject = account?.id ?? null
  const attempt = await request.attempt({ name: login, subject })
  try {
    const right = await parts.passwords.verify(attempt.allowed ? account?.passwordHash : undefined, password)
    if (!attempt.allowed) {
      parts.securityLog({ kind: 'authn_login_fail', subject, ip: request.ip ?? null, reason: 'locked' })
      throw attempt.error
    }
    if (right && account?.disabled === false) await attempt.succeeded()
    else await noteFailure(parts, attempt, subject, request.ip ?? null)
    return { right, knownDevice: attempt.knownDevice }
  } finally {
    if (attempt.allowed) attempt.abandon()
  }
}

/** Whether this is the account's own password, counted as a sign-in attempt is: a session in the wrong hands guesses here. */
export async function confirms(parts: Parts, account: Account, password: string, request: HoldfastRequest): Promise<boolean> {
  return (await matches(parts, account, { login: account.username, password, request })).right
}

/** Checks a name and password. */
export async function recognise(parts: Parts, presented: Presented): Promise<Recognition> {
  const account = await parts.accounts.find(presented.login)
  const { right, knownDevice } = await matches(parts, account, presented)
  if (account === undefined) return { recognised: false, account, why: 'unknown' }
  if (!right) return { recognised: false, account, why: 'wrong-password' }
  if (account.disabled) return { recognised: false, account, why: 'disabled' }
  return { recognised: true, account, knownDevice }
}

/** Whether the account is still what was recognised: asked after the session exists, so that no change slips between. */
export async function isUnchanged({ accounts }: Pick<Services, 'accounts'>, account: Account): Promise<boolean> {
  const current = await accounts.get(account.id)
  return current !== undefined && current.version === account.version
}

/** Brings a hash of older parameters to today's, with the password just recognised. */
export async function refreshHash(
  { accounts, passwords }: Pick<Services, 'accounts' | 'passwords'>,
  account: Account,
  password: string,
): Promise<void> {
  if (!passwords.isOutdated(account.passwordHash)) return
  await accounts.rehash(account.id, account.passwordHash, await passwords.hash(password))
}
