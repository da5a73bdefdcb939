/** API keys: long-lived credentials of programs. The store holds their digests, and decides who revoked one. */
import type { Awaitable, Instant } from './store.ts'

/** What the store holds for one key: plain JSON data, never changed in place. */
export interface ApiKeyRecord {
  /** A public name, 1 to 128 characters. */
  readonly id: string
  /** Whom it acts for. */
  readonly owner: string
  readonly name: string
  /** SHA-256 of the secret, base64url. */
  readonly digest: string
  readonly scopes: readonly string[]
  /** Addresses or CIDR blocks that it may be used from; empty: from anywhere. */
  readonly networks: readonly string[]
  readonly createdAt: Instant
  /** Null: never. */
  readonly expiresAt: Instant | null
  readonly lastUsedAt: Instant | null
  readonly lastUsedIp: string | null
  readonly revokedAt: Instant | null
}

/** Limit of an owner's keys that are neither revoked nor expired, kept in the same atomic step as the insert. */
export interface ApiKeyCap {
  /** Keys allowed, the new one included; 1 or more. */
  readonly max: number
  /** Instant by which "expired" is judged. */
  readonly now: Instant
}

/** Position in a list: the last record of the page before. */
export interface ApiKeyCursor {
  readonly createdAt: Instant
  readonly id: string
}

export interface ApiKeyQuery {
  readonly owner?: string
  readonly after?: ApiKeyCursor
  /** 1 to 1000. */
  readonly limit: number
}

export interface ApiKeyPage {
  readonly items: readonly ApiKeyRecord[]
  /** Present when more records may follow. */
  readonly next?: ApiKeyCursor
}

export interface ApiKeyStore {
  /** **Throws when the id exists**: a key is never overwritten. False only when the cap is full: then nothing changed. */
  insert(record: ApiKeyRecord, cap?: ApiKeyCap): Awaitable<boolean>
  /** By id; expired and revoked ones too until swept. A row that cannot be decoded is a fault (throw). */
  get(id: string): Awaitable<ApiKeyRecord | undefined>
  /** Newest first by creation, then by id descending; no gaps or repeats for records that stayed throughout. */
  list(query: ApiKeyQuery): Awaitable<ApiKeyPage>
  /** Moves `lastUsedAt` forward only, and `lastUsedIp` with it; ignores unknown and revoked keys. */
  touch(id: string, usedAt: Instant, ip: string | null): Awaitable<void>
  /** Marks it as revoked, if it is not yet; returns whether this call did. */
  revoke(id: string, at: Instant): Awaitable<boolean>
  /** Revokes every key of the owner in one step; returns the ids that **this call** changed. */
  revokeOwner(owner: string, at: Instant): Awaitable<readonly string[]>
  /** Deletes up to `limit` keys that were revoked or expired at or before `endedBefore`; returns how many. */
  sweep(endedBefore: Instant, limit: number): Awaitable<number>
}
