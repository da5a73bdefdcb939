/** Accounts in PostgreSQL: every change one transaction, one at a time for all nodes. */
import { HoldfastError } from 'holdfast'
import type pg from 'pg'
import type { CursorStore } from '../webhook/cursor.ts'
import { type Account, roles } from './account.ts'
import { changed, escapeLike, isStorable } from './change.ts'
import { loginKey } from './names.ts'
import { onConnection } from './postgres-connection.ts'
import { postgresCursors } from './postgres-cursors.ts'
import { type AccountTables, tablesIn } from './postgres-schema.ts'
import type { AccountChange, AccountPage, AccountQuery, AccountStore, Change, CreateOptions, Creation, Removal } from './store.ts'

/** A node that hangs in the middle of a change must not hold up the others'. In ms. */
const transactionLimits = { lock_timeout: 1000, idle_in_transaction_session_timeout: 5000 } as const
/** A statement that takes longer has failed, and its connection is given up. In ms. */
const queryTimeoutMs = 2000

type Value = string | number | boolean | null | readonly string[]

interface Row {
  readonly id: string
  readonly username: string
  readonly email: string | null
  readonly role: string
  readonly disabled: boolean
  /** The driver gives `bigint` as text. */
  readonly created_at: string
  readonly password_hash: string
  readonly password_changed_at: string
  readonly version: number
}

/** Runs one statement, on the pool or within a transaction. */
type Run = <R extends object>(text: string, values?: readonly Value[]) => Promise<R[]>

function runOn(connection: Pick<pg.Pool, 'query'>): Run {
  return async <R extends object>(text: string, values: readonly Value[] = []) => {
    const query = { text, values: [...values], query_timeout: queryTimeoutMs }
    return (await connection.query(query)).rows as R[]
  }
}

function accountOf(row: Row): Account {
  const role = roles.find((name) => name === row.role)
  if (role === undefined) throw new Error('account row: role is unknown')
  return Object.freeze({
    id: row.id,
    username: row.username,
    email: row.email,
    role,
    disabled: row.disabled,
    createdAt: Number(row.created_at),
    passwordHash: row.password_hash,
    passwordChangedAt: Number(row.password_changed_at),
    version: row.version,
  })
}

class PostgresAccounts implements AccountStore {
  readonly cursors: CursorStore
  readonly #pool: pg.Pool
  readonly #tables: AccountTables
  readonly #end: () => Promise<void>
  #closed: Promise<void> | undefined

  constructor(pool: pg.Pool, schema: string, end: () => Promise<void>) {
    this.#pool = pool
    this.#tables = tablesIn(schema)
    this.#end = end
    this.cursors = postgresCursors(this.#tables.cursors, (text, values) => this.#guarded((run) => run(text, values)))
  }

  create(account: Account, { asFirstAdministrator = false }: CreateOptions = {}): Promise<Creation> {
    return this.#transaction(async (run) => {
      if (asFirstAdministrator && (await this.#administrators(run, false)) > 0) return 'administrator-exists'
      if ((await this.#holder(run, account.username)) !== undefined) return 'username-taken'
      if (account.email !== null && (await this.#holder(run, account.email)) !== undefined) return 'email-taken'
      await run(
        `INSERT INTO ${this.#tables.accounts} (id, username, username_key, email, role, disabled, created_at,
          password_hash, password_changed_at, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
        [
          account.id,
          account.username,
          loginKey(account.username),
          account.email,
          account.role,
          account.disabled,
          account.createdAt,
          account.passwordHash,
          account.passwordChangedAt,
          account.version,
        ],
      )
      await this.#writeNames(run, account)
      return 'created'
    })
  }

  get(id: string): Promise<Account | undefined> {
    return this.#guarded((run) => this.#get(run, id))
  }

  find(login: string): Promise<Account | undefined> {
    return this.#guarded(async (run) => {
      const id = await this.#holder(run, login)
      return id === undefined ? undefined : this.#get(run, id)
    })
  }

  list({ search = '', after = '', limit }: AccountQuery): Promise<AccountPage> {
    return this.#guarded(async (run) => {
      if (!isStorable(search) || !isStorable(after)) return { items: [] }
      const { accounts, names, onPrimary } = this.#tables
      const rows = await run<Row>(
        `SELECT * FROM ${accounts} a WHERE ${onPrimary}() AND username_key > $1 AND EXISTS
           (SELECT 1 FROM ${names} WHERE account_id = a.id AND name_key LIKE $2 ESCAPE '\\')
         ORDER BY username_key LIMIT $3`,
        [after, `%${escapeLike(loginKey(search))}%`, limit + 1],
      )
      const items = rows.slice(0, limit).map(accountOf)
      const last = items.at(-1)
      return rows.length > limit && last !== undefined ? { items, next: loginKey(last.username) } : { items }
    })
  }

  change(id: string, change: AccountChange): Promise<Change> {
    return this.#transaction(async (run): Promise<Change> => {
      const before = await this.#get(run, id)
      if (before === undefined) return { outcome: 'not-found' }
      if (change.ifVersion !== undefined && change.ifVersion !== before.version) return { outcome: 'version-differs' }
      const account = changed(before, change)
      const refusal = await this.#refusal(run, before, account)
      if (refusal !== undefined) return { outcome: refusal }
      await run(
        `UPDATE ${this.#tables.accounts} SET email = $2, role = $3, disabled = $4, password_hash = $5,
           password_changed_at = $6, version = $7 WHERE id = $1`,
        [id, account.email, account.role, account.disabled, account.passwordHash, account.passwordChangedAt, account.version],
      )
      await this.#writeNames(run, account)
      return { outcome: 'changed', before, account }
    })
  }

  rehash(id: string, from: string, to: string): Promise<boolean> {
    return this.#transaction(async (run) => {
      const sql = `UPDATE ${this.#tables.accounts} SET password_hash = $3 WHERE id = $1 AND password_hash = $2 RETURNING id`
      return isStorable(id) && (await run(sql, [id, from, to])).length === 1
    })
  }

  remove(id: string): Promise<Removal> {
    return this.#transaction(async (run) => {
      const account = await this.#get(run, id)
      if (account === undefined) return 'not-found'
      if (await this.#isLastAdministrator(run, account)) return 'last-administrator'
      await run(`DELETE FROM ${this.#tables.accounts} WHERE id = $1`, [id])
      return 'removed'
    })
  }

  hasAdministrator(): Promise<boolean> {
    return this.#guarded(async (run) => (await this.#administrators(run, false)) > 0)
  }

  close(): Promise<void> {
    this.#closed ??= this.#end()
    return this.#closed
  }

  /** A fault of the database is "cannot tell", whatever its kind. */
  async #guarded<T>(read: (run: Run) => Promise<T>): Promise<T> {
    try {
      return await read(runOn(this.#pool))
    } catch (cause) {
      throw unavailable(cause)
    }
  }

  /** Rules over several accounts hold because changes take turns; the lock ends with the transaction. */
  async #transaction<T>(work: (run: Run) => Promise<T>): Promise<T> {
    const limits = Object.entries(transactionLimits).map(([name, ms]) => `SET LOCAL ${name} = ${ms};`)
    try {
      return await onConnection(this.#pool, async (client) => {
        const run = runOn(client)
        await run(`BEGIN ISOLATION LEVEL READ COMMITTED; ${limits.join(' ')} SELECT pg_advisory_xact_lock(${this.#tables.lock})`)
        const answer = await work(run)
        await run('COMMIT')
        return answer
      })
    } catch (cause) {
      throw unavailable(cause)
    }
  }

  async #get(run: Run, id: string): Promise<Account | undefined> {
    if (!isStorable(id)) return undefined
    const { accounts, onPrimary } = this.#tables
    const [row] = await run<Row>(`SELECT * FROM ${accounts} WHERE ${onPrimary}() AND id = $1`, [id])
    return row === undefined ? undefined : accountOf(row)
  }

  async #holder(run: Run, name: string): Promise<string | undefined> {
    const key = loginKey(name)
    if (!isStorable(key)) return undefined
    const { names, onPrimary } = this.#tables
    const [row] = await run<{ id: string }>(`SELECT account_id AS id FROM ${names} WHERE ${onPrimary}() AND name_key = $1`, [key])
    return row?.id
  }

  async #administrators(run: Run, enabledOnly: boolean): Promise<number> {
    const { accounts, onPrimary } = this.#tables
    const [row] = await run<{ count: string }>(
      `SELECT count(*) AS count FROM ${accounts} WHERE ${onPrimary}() AND role = 'admin'${enabledOnly ? ' AND NOT disabled' : ''}`,
    )
    return Number(row?.count)
  }

  async #isLastAdministrator(run: Run, { role, disabled }: Account): Promise<boolean> {
    return role === 'admin' && !disabled && (await this.#administrators(run, true)) === 1
  }

  async #refusal(run: Run, before: Account, after: Account): Promise<'last-administrator' | 'email-taken' | undefined> {
    const stays = after.role === 'admin' && !after.disabled
    if (!stays && (await this.#isLastAdministrator(run, before))) return 'last-administrator'
    const holder = after.email === null ? undefined : await this.#holder(run, after.email)
    return holder === undefined || holder === after.id ? undefined : 'email-taken'
  }

  async #writeNames(run: Run, { id, username, email }: Account): Promise<void> {
    const keys = new Set([username, ...(email === null ? [] : [email])].map(loginKey))
    await run(`DELETE FROM ${this.#tables.names} WHERE account_id = $1`, [id])
    await run(`INSERT INTO ${this.#tables.names} SELECT unnest($2::text[]), $1`, [id, [...keys]])
  }
}

/** Fields of a server's report that quote the row at fault, hash included. */
const quoting = ['detail', 'where', 'internalQuery'] as const

function unavailable(cause: unknown): HoldfastError {
  if (cause instanceof HoldfastError) return cause
  if (cause instanceof Error) for (const field of quoting) Reflect.deleteProperty(cause, field)
  return new HoldfastError('store-unavailable', {
    detail: 'The accounts cannot be read or written right now',
    retryAfter: 1,
    cause,
  })
}

/** Accounts in a schema that is up to date. `end` ends the pool. */
export function postgresAccounts(pool: pg.Pool, schema: string, end: () => Promise<void>): AccountStore {
  return new PostgresAccounts(pool, schema, end)
}
