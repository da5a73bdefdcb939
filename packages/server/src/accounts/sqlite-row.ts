/** One row of the accounts table and back. A row that cannot be read is a fault, never default values. */
import type { SQLInputValue, SQLOutputValue } from 'node:sqlite'
import { type Account, roles } from './account.ts'
import { loginKey } from './names.ts'

export type Row = Readonly<Record<string, SQLOutputValue>>

function textOf(row: Row, column: string): string {
  const value = row[column]
  if (typeof value !== 'string') throw new Error(`account row: ${column} is not text`)
  return value
}

function integerOf(row: Row, column: string): number {
  const value = row[column]
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw new Error(`account row: ${column} is not an integer`)
  return value
}

export function accountOf(row: Row): Account {
  const role = roles.find((name) => name === row.role)
  if (role === undefined) throw new Error('account row: role is unknown')
  return Object.freeze({
    id: textOf(row, 'id'),
    username: textOf(row, 'username'),
    email: row.email === null ? null : textOf(row, 'email'),
    role,
    disabled: integerOf(row, 'disabled') === 1,
    createdAt: integerOf(row, 'created_at'),
    passwordHash: textOf(row, 'password_hash'),
    passwordChangedAt: integerOf(row, 'password_changed_at'),
    version: integerOf(row, 'version'),
  })
}

export function rowOf(account: Account): Record<string, SQLInputValue> {
  return {
    id: account.id,
    username: account.username,
    username_key: loginKey(account.username),
    email: account.email,
    role: account.role,
    disabled: account.disabled ? 1 : 0,
    created_at: account.createdAt,
    password_hash: account.passwordHash,
    password_changed_at: account.passwordChangedAt,
    version: account.version,
  }
}
