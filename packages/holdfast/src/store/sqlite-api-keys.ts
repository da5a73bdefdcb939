/** API keys in SQLite: each operation is one statement or one write transaction. A revocation is on the disk when it returns. */
import { packApiKey, unpackApiKey } from './api-key-data.ts'
import type { ApiKeyCap, ApiKeyPage, ApiKeyQuery, ApiKeyRecord, ApiKeyStore } from './api-keys.ts'
import type { Connection, Query, Row } from './sqlite-connection.ts'
import type { Instant } from './store.ts'

const selected = `SELECT id, owner, created_at, expires_at, revoked_at, last_used_at, last_used_ip, data FROM holdfast_api_keys`
const page = `AND (created_at, id) < (?1, ?2) ORDER BY created_at DESC, id DESC LIMIT ?3`

const sql = {
  exists: 'SELECT 1 FROM holdfast_api_keys WHERE id = ?1',
  usable: `SELECT count(*) FROM holdfast_api_keys
    WHERE owner = ?1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?2)`,
  insert: 'INSERT INTO holdfast_api_keys VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)',
  get: `${selected} WHERE id = ?1`,
  list: `${selected} WHERE TRUE ${page}`,
  listOwned: `${selected} WHERE owner = ?4 ${page}`,
  touch: `UPDATE holdfast_api_keys SET last_used_at = ?2, last_used_ip = ?3
    WHERE id = ?1 AND revoked_at IS NULL AND (last_used_at IS NULL OR last_used_at < ?2)`,
  revoke: 'UPDATE holdfast_api_keys SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL',
  revokeOwner: 'UPDATE holdfast_api_keys SET revoked_at = ?2 WHERE owner = ?1 AND revoked_at IS NULL RETURNING id',
  sweep: `DELETE FROM holdfast_api_keys WHERE id IN (
    SELECT id FROM holdfast_api_keys WHERE revoked_at <= ?1 OR expires_at <= ?1 LIMIT ?2)`,
} as const

type Statements = { readonly [Name in keyof typeof sql]: Query }

/** Before every record: the first page. */
const start = { createdAt: Number.MAX_SAFE_INTEGER, id: '' } as const

export class SqliteApiKeys implements ApiKeyStore {
  readonly #connection: Connection
  readonly #statements: Statements

  constructor(connection: Connection) {
    this.#connection = connection
    const entries = Object.entries(sql).map(([name, text]) => [name, connection.prepare(text)])
    this.#statements = Object.fromEntries(entries) as Statements
  }

  insert(record: ApiKeyRecord, cap?: ApiKeyCap): boolean {
    return this.#connection.transaction(() => {
      if (this.#statements.exists.get(record.id) !== undefined) throw new Error('an API key with this id exists')
      if (cap !== undefined && Number(this.#statements.usable.get(record.owner, cap.now)?.[0]) >= cap.max) return false
      const { id, owner, createdAt, expiresAt, revokedAt, lastUsedAt, lastUsedIp } = record
      this.#statements.insert.run(id, owner, createdAt, expiresAt, revokedAt, lastUsedAt, lastUsedIp, packApiKey(record))
      return true
    })
  }

  get(id: string): ApiKeyRecord | undefined {
    const row = this.#statements.get.get(id)
    return row === undefined ? undefined : recordOf(row)
  }

  list({ owner, after = start, limit }: ApiKeyQuery): ApiKeyPage {
    const values = [after.createdAt, after.id, limit + 1] as const
    const rows = owner === undefined ? this.#statements.list.all(...values) : this.#statements.listOwned.all(...values, owner)
    const items = rows.slice(0, limit).map(recordOf)
    const last = items.at(-1)
    return rows.length > limit && last !== undefined ? { items, next: { createdAt: last.createdAt, id: last.id } } : { items }
  }

  touch(id: string, usedAt: Instant, ip: string | null): void {
    this.#connection.relaxed(() => this.#statements.touch.run(id, usedAt, ip))
  }

  revoke(id: string, at: Instant): boolean {
    return this.#statements.revoke.run(id, at) === 1
  }

  revokeOwner(owner: string, at: Instant): readonly string[] {
    return this.#statements.revokeOwner.all(owner, at).map(([id]) => String(id))
  }

  sweep(endedBefore: Instant, limit: number): number {
    return this.#connection.relaxed(() => this.#statements.sweep.run(endedBefore, limit))
  }
}

function recordOf(row: Row): ApiKeyRecord {
  const id = String(row[0])
  return {
    id,
    owner: String(row[1]),
    ...unpackApiKey(id, String(row[7])),
    createdAt: Number(row[2]),
    expiresAt: row[3] as number | null,
    lastUsedAt: row[5] as number | null,
    lastUsedIp: row[6] as string | null,
    revokedAt: row[4] as number | null,
  }
}
