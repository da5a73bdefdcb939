/**
 * API keys in PostgreSQL: each operation is one statement. What this node revoked holds here whatever another server says
 * after a failover, and is asserted again there.
 */
import { packApiKey, unpackApiKey } from './api-key-data.ts'
import type { ApiKeyCap, ApiKeyPage, ApiKeyQuery, ApiKeyRecord, ApiKeyStore } from './api-keys.ts'
import type { Database } from './postgres-database.ts'
import type { Row } from './postgres-pool.ts'
import type { Names } from './postgres-schema.ts'
import { fromColumn, fromColumnOrNull, toColumn, toColumnOrNull } from './postgres-text.ts'
import { inGroups, RecentWrites } from './reassertion.ts'
import type { Instant } from './store.ts'

type Statement = 'insert' | 'get' | 'list' | 'listOwned' | 'touch' | 'revoke' | 'revokeOwner' | 'sweep'

/** Before every record: the first page. */
const start = { createdAt: Number.MAX_SAFE_INTEGER, id: '' } as const

export class PostgresApiKeys implements ApiKeyStore {
  readonly #database: Database
  readonly #revoked: RecentWrites<Instant> = new RecentWrites()
  readonly #sql: { readonly [Name in Statement]: string }

  constructor(database: Database, { apiKeys, insertApiKey, onPrimary }: Names) {
    this.#database = database
    const selected = `SELECT id, owner, created_at, expires_at, revoked_at, last_used_at, last_used_ip, data FROM ${apiKeys}`
    const page = `(created_at, id) < ($1::bigint, $2) AND ${onPrimary}()`
    const order = 'ORDER BY created_at DESC, id DESC LIMIT $3'
    this.#sql = {
      insert: `SELECT ${insertApiKey}($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      get: `${selected} WHERE id = $1 AND ${onPrimary}()`,
      list: `${selected} WHERE ${page} ${order}`,
      listOwned: `${selected} WHERE ${page} AND owner = $4 ${order}`,
      touch: `UPDATE ${apiKeys} SET last_used_at = $2, last_used_ip = $3
        WHERE (SELECT set_config('synchronous_commit', 'off', true)) = 'off' AND id = $1 AND revoked_at IS NULL
          AND (last_used_at IS NULL OR last_used_at < $2)`,
      revoke: `UPDATE ${apiKeys} SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL RETURNING 1`,
      // Locked in the order of their ids first, so that no two callers wait for each other.
      revokeOwner: `WITH locked AS (
          SELECT id FROM ${apiKeys} WHERE owner = $1 AND revoked_at IS NULL ORDER BY id FOR NO KEY UPDATE
        ) UPDATE ${apiKeys} k SET revoked_at = $2 FROM locked
        WHERE k.id = locked.id AND k.revoked_at IS NULL RETURNING k.id`,
      sweep: `DELETE FROM ${apiKeys} WHERE id = any(ARRAY(SELECT id FROM ${apiKeys}
        WHERE revoked_at <= $1 OR expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING 1`,
    }
  }

  async insert(record: ApiKeyRecord, cap?: ApiKeyCap): Promise<boolean> {
    const { id, owner, createdAt, expiresAt, revokedAt, lastUsedAt, lastUsedIp } = record
    const values = [toColumn(id), toColumn(owner), createdAt, expiresAt, revokedAt, lastUsedAt, toColumnOrNull(lastUsedIp)]
    const rest = [packApiKey(record), cap?.max ?? null, cap?.now ?? null]
    const [row] = await this.#database.run('key_insert', this.#sql.insert, [...values, ...rest])
    return row?.[0] === 't'
  }

  async get(id: string): Promise<ApiKeyRecord | undefined> {
    const [row] = await this.#database.run('key_get', this.#sql.get, [toColumn(id)])
    return row === undefined ? undefined : this.#recordOf(row)
  }

  async list({ owner, after = start, limit }: ApiKeyQuery): Promise<ApiKeyPage> {
    const values = [after.createdAt, toColumn(after.id), limit + 1]
    const rows =
      owner === undefined
        ? await this.#database.run('key_list', this.#sql.list, values)
        : await this.#database.run('key_list_owned', this.#sql.listOwned, [...values, toColumn(owner)])
    const items = rows.slice(0, limit).map((row) => this.#recordOf(row))
    const last = items.at(-1)
    return rows.length > limit && last !== undefined ? { items, next: { createdAt: last.createdAt, id: last.id } } : { items }
  }

  async touch(id: string, usedAt: Instant, ip: string | null): Promise<void> {
    await this.#database.run('key_touch', this.#sql.touch, [toColumn(id), usedAt, toColumnOrNull(ip)])
  }

  async revoke(id: string, at: Instant): Promise<boolean> {
    const isRevoked = await this.#revoke(id, at)
    if (isRevoked) this.#revoked.set(id, at)
    return isRevoked
  }

  async revokeOwner(owner: string, at: Instant): Promise<readonly string[]> {
    const rows = await this.#database.run('key_revoke_owner', this.#sql.revokeOwner, [toColumn(owner), at])
    const ids = rows.map(([id]) => fromColumn(String(id)))
    for (const id of ids) this.#revoked.set(id, at)
    return ids
  }

  async sweep(endedBefore: Instant, limit: number): Promise<number> {
    return (await this.#database.run('key_sweep', this.#sql.sweep, [endedBefore, limit])).length
  }

  assertAgain(): Promise<void> {
    return inGroups(this.#revoked.entries, ([id, at]) => this.#revoke(id, at))
  }

  async #revoke(id: string, at: Instant): Promise<boolean> {
    return (await this.#database.run('key_revoke', this.#sql.revoke, [toColumn(id), at])).length === 1
  }

  #recordOf(row: Row): ApiKeyRecord {
    const record = recordOf(row)
    return { ...record, revokedAt: record.revokedAt ?? this.#revoked.get(record.id) ?? null }
  }
}

const numberOrNull = (column: string | null | undefined): number | null => (column == null ? null : Number(column))

function recordOf(row: Row): ApiKeyRecord {
  const id = fromColumn(String(row[0]))
  return {
    id,
    owner: fromColumn(String(row[1])),
    ...unpackApiKey(id, String(row[7])),
    createdAt: Number(row[2]),
    expiresAt: numberOrNull(row[3]),
    lastUsedAt: numberOrNull(row[5]),
    lastUsedIp: fromColumnOrNull(row[6] ?? null),
    revokedAt: numberOrNull(row[4]),
  }
}
