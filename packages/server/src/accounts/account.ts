/** An account: who may sign in. Sessions know it by `id` only, as their subject. */

export const roles = ['admin', 'user'] as const
export type Role = (typeof roles)[number]

export interface Account {
  /** 22 base64url characters, random; never used again, so that an old session cannot meet a new person. */
  readonly id: string
  /** As it was typed; unique by `loginKey`. */
  readonly username: string
  readonly email: string | null
  readonly role: Role
  readonly disabled: boolean
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** Argon2id in PHC text form. */
  readonly passwordHash: string
  readonly passwordChangedAt: number
  /** Counts changes of role, disabling and password: a sign-in that began before one must not end after it. */
  readonly version: number
}

/** The account as others may see it: no hash. */
export interface UserWire {
  readonly id: string
  readonly username: string
  readonly email?: string
  readonly role: Role
  readonly disabled: boolean
  readonly createdAt: string
}

export function userWire(account: Account): UserWire {
  return {
    id: account.id,
    username: account.username,
    ...(account.email === null ? {} : { email: account.email }),
    role: account.role,
    disabled: account.disabled,
    createdAt: new Date(account.createdAt).toISOString(),
  }
}
