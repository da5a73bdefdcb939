/** Security events of accounts and administration, in the words of the OWASP logging vocabulary; sessions have their own. */
import type { Logger } from './logging.ts'

export const accountEventKinds = {
  authn_login_success: 'Someone signed in',
  authn_login_fail: 'A sign-in was refused',
  authn_reauthenticate_success: 'Someone proved again who they are',
  authn_reauthenticate_fail: 'A proof of identity was refused',
  authn_password_change: 'A password was changed',
  authn_password_change_fail: 'A password change was refused',
  authz_fail: 'Someone asked for what they may not do',
  authz_admin: 'An administrator changed an account or ended sessions',
  user_created: 'An account was created',
  user_updated: 'An account was changed',
  user_deleted: 'An account was deleted',
  setup_refused: 'A set-up attempt was refused',
} as const

export type AccountEventKind = keyof typeof accountEventKinds

export interface AccountEvent {
  readonly kind: AccountEventKind
  /** Whom it is about: an account id; null when it is nobody's. A name as typed is never logged: it may be a password. */
  readonly subject: string | null
  /** Who did it, when that is another. */
  readonly actor?: string
  readonly ip: string | null
  readonly session?: string
  readonly detail?: string
}

export type SecurityLog = (event: AccountEvent) => void

export function createSecurityLog(logger: Logger): SecurityLog {
  return (event) => logger.info({ event }, accountEventKinds[event.kind])
}
