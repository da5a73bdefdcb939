/** Accounts in SQLite (`node:sqlite`): one connection, every change one immediate transaction. */
import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { HoldfastError } from 'holdfast'
import type { CursorStore } from '../webhook/cursor.ts'
import type { Account } from './account.ts'
import { changed, escapeLike, isStorable } from './change.ts'
import { loginKey } from './names.ts'
import { sqliteCursors } from './sqlite-cursors.ts'
import { accountOf, type Row, rowOf } from './sqlite-row.ts'
import { migrateAccounts, rollBack } from './sqlite-schema.ts'
import type { AccountChange, AccountPage, AccountQuery, AccountStore, Change, CreateOptions, Creation, Removal } from './store.ts'
import { AccountsVersionError } from './version-error.ts'

const busyTimeoutMs = 250
/** While opening: several processes that start together take turns. */
const openingTimeoutMs = 10_000

/** A fault of the database is "cannot tell", whatever its kind. */
function guarded<T>(run: () => T): T {
  try {
    return run()
  } catch (cause) {
    if (cause instanceof HoldfastError || cause instanceof AccountsVersionError) throw cause
    throw new HoldfastError('store-unavailable', {
      detail: 'The accounts cannot be read or written right now',
      retryAfter: 1,
      cause,
    })
  }
}

function openDatabase(path: string): DatabaseSync {
  // Made here and not by SQLite, which would let every user of the machine read the password hashes.
  if (path !== ':memory:') closeSync(openSync(path, 'a', 0o600))
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: true })
  try {
    database.exec(`PRAGMA busy_timeout = ${openingTimeoutMs}`)
    database.exec('PRAGMA journal_mode = WAL')
    database.exec('PRAGMA synchronous = FULL')
    migrateAccounts(database)
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
    return database
  } catch (fault) {
    database.close()
    throw fault
  }
}

class SqliteAccounts implements AccountStore {
  readonly cursors: CursorStore
  readonly #database: DatabaseSync
  #closed = false

  constructor(database: DatabaseSync) {
    this.#database = database
    this.cursors = sqliteCursors(database, guarded)
  }

  create(account: Account, { asFirstAdministrator = false }: CreateOptions = {}): Creation {
    return this.#transaction(() => {
      if (asFirstAdministrator && this.#administrators(false) > 0) return 'administrator-exists'
      if (this.#holder(account.username) !== undefined) return 'username-taken'
      if (account.email !== null && this.#holder(account.email) !== undefined) return 'email-taken'
      this.#database
        .prepare(
          `INSERT INTO accounts VALUES (:id, :username, :username_key, :email, :role, :disabled, :created_at,
             :password_hash, :password_changed_at, :version)`,
        )
        .run(rowOf(account))
      this.#writeNames(account)
      return 'created'
    })
  }

  get(id: string): Account | undefined {
    return guarded(() => this.#get(id))
  }

  find(login: string): Account | undefined {
    return guarded(() => {
      const id = this.#holder(login)
      return id === undefined ? undefined : this.#get(id)
    })
  }

  list({ search = '', after = '', limit }: AccountQuery): AccountPage {
    return guarded(() => {
      if (!isStorable(search) || !isStorable(after)) return { items: [] }
      const rows: Row[] = this.#database
        .prepare(
          `SELECT * FROM accounts WHERE username_key > ? AND EXISTS
             (SELECT 1 FROM account_names WHERE account_id = accounts.id AND name_key LIKE ? ESCAPE '\\')
           ORDER BY username_key LIMIT ?`,
        )
        .all(after, `%${escapeLike(loginKey(search))}%`, limit + 1)
      const items = rows.slice(0, limit).map(accountOf)
      const last = items.at(-1)
      return rows.length > limit && last !== undefined ? { items, next: loginKey(last.username) } : { items }
    })
  }

  change(id: string, change: AccountChange): Change {
    return this.#transaction((): Change => {
      const before = this.#get(id)
      if (before === undefined) return { outcome: 'not-found' }
      if (change.ifVersion !== undefined && change.ifVersion !== before.version) return { outcome: 'version-differs' }
      const account = changed(before, change)
      const refusal = this.#refusal(before, account)
      if (refusal !== undefined) return { outcome: refusal }
      this.#database
        .prepare(
          `UPDATE accounts SET email = ?, role = ?, disabled = ?, password_hash = ?, password_changed_at = ?, version = ?
           WHERE id = ?`,
        )
        .run(
          account.email,
          account.role,
          account.disabled ? 1 : 0,
          account.passwordHash,
          account.passwordChangedAt,
          account.version,
          id,
        )
      this.#writeNames(account)
      return { outcome: 'changed', before, account }
    })
  }

  rehash(id: string, from: string, to: string): boolean {
    return guarded(() => {
      const sql = 'UPDATE accounts SET password_hash = ? WHERE id = ? AND password_hash = ?'
      return this.#database.prepare(sql).run(to, id, from).changes === 1
    })
  }

  remove(id: string): Removal {
    return this.#transaction(() => {
      const account = this.#get(id)
      if (account === undefined) return 'not-found'
      if (this.#isLastAdministrator(account)) return 'last-administrator'
      this.#database.prepare('DELETE FROM accounts WHERE id = ?').run(id)
      return 'removed'
    })
  }

  hasAdministrator(): boolean {
    return guarded(() => this.#administrators(false) > 0)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#database.close()
  }

  #transaction<T>(run: () => T): T {
    return guarded(() => {
      this.#database.exec('BEGIN IMMEDIATE')
      try {
        const answer = run()
        this.#database.exec('COMMIT')
        return answer
      } catch (fault) {
        rollBack(this.#database)
        throw fault
      }
    })
  }

  #get(id: string): Account | undefined {
    const row = this.#database.prepare('SELECT * FROM accounts WHERE id = ?').get(id)
    return row === undefined ? undefined : accountOf(row)
  }

  #holder(name: string): string | undefined {
    const row = this.#database.prepare('SELECT account_id FROM account_names WHERE name_key = ?').get(loginKey(name))
    return row === undefined ? undefined : String(row.account_id)
  }

  #administrators(enabledOnly: boolean): number {
    const sql = `SELECT count(*) AS count FROM accounts WHERE role = 'admin'${enabledOnly ? ' AND disabled = 0' : ''}`
    return Number(this.#database.prepare(sql).get()?.count)
  }

  #isLastAdministrator({ role, disabled }: Account): boolean {
    return role === 'admin' && !disabled && this.#administrators(true) === 1
  }

  #refusal(before: Account, after: Account): 'last-administrator' | 'email-taken' | undefined {
    const stays = after.role === 'admin' && !after.disabled
    if (!stays && this.#isLastAdministrator(before)) return 'last-administrator'
    const holder = after.email === null ? undefined : this.#holder(after.email)
    return holder === undefined || holder === after.id ? undefined : 'email-taken'
  }

  #writeNames({ id, username, email }: Account): void {
    this.#database.prepare('DELETE FROM account_names WHERE account_id = ?').run(id)
    const keys = new Set([username, ...(email === null ? [] : [email])].map(loginKey))
    for (const key of keys) this.#database.prepare('INSERT INTO account_names VALUES (?, ?)').run(key, id)
  }
}

/**
 * Opens or creates the accounts at `path` and brings their tables to this version. The folder must exist.
 * Throws `AccountsVersionError` for a newer file, and what SQLite throws when it cannot be used.
 */
export function sqliteAccounts(path: string): AccountStore {
  return new SqliteAccounts(openDatabase(path))
}
