/** API keys in memory. */
import type { ApiKeyCap, ApiKeyPage, ApiKeyQuery, ApiKeyRecord, ApiKeyStore } from './api-keys.ts'
import type { Instant } from './store.ts'

/** Full means a fault: no flood ends another one's key. */
export class MemoryApiKeys implements ApiKeyStore {
  readonly #max: number
  readonly #keys: Map<string, ApiKeyRecord> = new Map()
  readonly #owned: Map<string, Set<string>> = new Map()

  constructor(max: number) {
    this.#max = max
  }

  insert(record: ApiKeyRecord, cap?: ApiKeyCap): boolean {
    if (this.#keys.has(record.id)) throw new Error('an API key with this id exists')
    if (cap !== undefined && this.#ofOwner(record.owner).filter((key) => isUsable(key, cap.now)).length >= cap.max) return false
    if (this.#keys.size >= this.#max) throw new Error(`the memory store is full: ${this.#max} API keys`)
    this.#keys.set(record.id, copyOf(record))
    const owned = this.#owned.get(record.owner) ?? new Set()
    this.#owned.set(record.owner, owned.add(record.id))
    return true
  }

  get(id: string): ApiKeyRecord | undefined {
    const record = this.#keys.get(id)
    return record === undefined ? undefined : copyOf(record)
  }

  list({ owner, after, limit }: ApiKeyQuery): ApiKeyPage {
    const all = owner === undefined ? [...this.#keys.values()] : this.#ofOwner(owner)
    const rest = all.sort(newestFirst).filter((record) => after === undefined || newestFirst(after, record) < 0)
    const items = rest.slice(0, limit).map(copyOf)
    const last = items.at(-1)
    return rest.length > limit && last !== undefined ? { items, next: { createdAt: last.createdAt, id: last.id } } : { items }
  }

  touch(id: string, usedAt: Instant, ip: string | null): void {
    const record = this.#keys.get(id)
    if (record === undefined || record.revokedAt !== null || usedAt <= (record.lastUsedAt ?? Number.NEGATIVE_INFINITY)) return
    this.#keys.set(id, { ...record, lastUsedAt: usedAt, lastUsedIp: ip })
  }

  revoke(id: string, at: Instant): boolean {
    const record = this.#keys.get(id)
    if (record === undefined || record.revokedAt !== null) return false
    this.#keys.set(id, { ...record, revokedAt: at })
    return true
  }

  revokeOwner(owner: string, at: Instant): readonly string[] {
    return [...(this.#owned.get(owner) ?? [])].filter((id) => this.revoke(id, at))
  }

  sweep(endedBefore: Instant, limit: number): number {
    let swept = 0
    for (const record of this.#keys.values()) {
      if (swept >= limit) break
      if (endOf(record) > endedBefore) continue
      this.#delete(record)
      swept += 1
    }
    return swept
  }

  #delete({ id, owner }: ApiKeyRecord): void {
    this.#keys.delete(id)
    const owned = this.#owned.get(owner)
    owned?.delete(id)
    if (owned?.size === 0) this.#owned.delete(owner)
  }

  #ofOwner(owner: string): ApiKeyRecord[] {
    const found: ApiKeyRecord[] = []
    for (const id of this.#owned.get(owner) ?? []) {
      const record = this.#keys.get(id)
      if (record !== undefined) found.push(record)
    }
    return found
  }
}

const never = Number.POSITIVE_INFINITY

function endOf({ expiresAt, revokedAt }: ApiKeyRecord): Instant {
  return Math.min(expiresAt ?? never, revokedAt ?? never)
}

function isUsable({ expiresAt, revokedAt }: ApiKeyRecord, now: Instant): boolean {
  return revokedAt === null && (expiresAt === null || expiresAt > now)
}

type Placed = Pick<ApiKeyRecord, 'createdAt' | 'id'>

function newestFirst(a: Placed, b: Placed): number {
  if (a.createdAt !== b.createdAt) return b.createdAt - a.createdAt
  return a.id === b.id ? 0 : a.id > b.id ? -1 : 1
}

function copyOf(record: ApiKeyRecord): ApiKeyRecord {
  return { ...record, scopes: [...record.scopes], networks: [...record.networks] }
}
