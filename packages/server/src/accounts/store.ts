/**
 * The account store contract. Not found and taken are values; anything thrown means "cannot tell" and is
 * answered 503. Every method may answer at once or with a promise.
 */
import type { CursorStore } from '../webhook/cursor.ts'
import type { Account, Role } from './account.ts'

export type Awaitable<T> = T | Promise<T>

export type Creation = 'created' | 'username-taken' | 'email-taken' | 'administrator-exists'

export interface CreateOptions {
  /** Creates only if there is no administrator yet, in the same atomic step: of parallel callers one wins. */
  readonly asFirstAdministrator?: boolean
}

export interface AccountChange {
  readonly role?: Role
  readonly disabled?: boolean
  /** Null removes it. */
  readonly email?: string | null
  readonly password?: { readonly hash: string; readonly changedAt: number }
  /** Changes nothing unless the stored version is this one. */
  readonly ifVersion?: number
}

export type Change =
  | { readonly outcome: 'changed'; readonly before: Account; readonly account: Account }
  | { readonly outcome: 'not-found' | 'email-taken' | 'last-administrator' | 'version-differs' }

export type Removal = 'removed' | 'not-found' | 'last-administrator'

export interface AccountQuery {
  /** Part of a user name or e-mail address, compared as names are. */
  readonly search?: string
  /** Position: the `next` of the page before. */
  readonly after?: string
  /** 1 to 200. */
  readonly limit: number
}

export interface AccountPage {
  readonly items: readonly Account[]
  /** Present when more may follow. */
  readonly next?: string
}

export interface AccountStore {
  /** Adds an account unless its name or address is taken by any account's name or address. */
  create(account: Account, options?: CreateOptions): Awaitable<Creation>
  get(id: string): Awaitable<Account | undefined>
  /** By user name or e-mail address. */
  find(login: string): Awaitable<Account | undefined>
  /** By user name in the form in which names are compared. */
  list(query: AccountQuery): Awaitable<AccountPage>
  /**
   * Applies all of the change or nothing, in one atomic step. An administrator who is the last enabled one cannot
   * be demoted or disabled. The version counts up when role, disabling or password change.
   */
  change(id: string, change: AccountChange): Awaitable<Change>
  /** Replaces a hash by one of the same password with newer parameters, if it is still `from`; the version stays. */
  rehash(id: string, from: string, to: string): Awaitable<boolean>
  /** Deletes; the last enabled administrator stays. */
  remove(id: string): Awaitable<Removal>
  /** Whether any account, enabled or not, has the role `admin`. */
  hasAdministrator(): Awaitable<boolean>
  /** How far the readers of the event trail are, which lies in the same database. */
  readonly cursors: CursorStore
  close(): Awaitable<void>
}
