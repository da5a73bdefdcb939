/**
 * API keys in Redis, all in one slot, as there are few: a hash of records, one sorted set for lists, one for those of
 * an owner, one of endings. A record is
 *
 *   revokedAt 9 · lastUsedAt 9 · expiresAt 9 · createdAt 9 · lastUsedIp US owner US data
 *
 * with instants in base 36 or nine dots, so that scripts compare and change them without knowing the rest.
 */
import { packApiKey, unpackApiKey } from './api-key-data.ts'
import type { ApiKeyCap, ApiKeyPage, ApiKeyQuery, ApiKeyRecord, ApiKeyStore } from './api-keys.ts'
import { inGroups, RecentWrites } from './reassertion.ts'
import { apiKeyScripts } from './redis-api-key-scripts.ts'
import type { Link } from './redis-client.ts'
import type { DurableWriter } from './redis-durable.ts'
import type { RedisKeys } from './redis-keys.ts'
import type { Script } from './redis-lua.ts'
import { packInstant, unpackInstant } from './redis-record.ts'
import { runScript } from './redis-runner.ts'
import { mark, packText, unpackText } from './redis-text.ts'
import type { Instant } from './store.ts'

const none = '.'.repeat(9)
const packed = (instant: Instant | null): string => (instant === null ? none : packInstant(instant))

/** The hash tag of all their keys. */
const shard = 'keys'

export class RedisApiKeys implements ApiKeyStore {
  readonly #link: Link
  readonly #keys: RedisKeys
  readonly #writer: DurableWriter
  /** When this node revoked a key: it holds here whatever the server says after a failover. */
  readonly #revoked: RecentWrites<Instant> = new RecentWrites()

  constructor(link: Link, keys: RedisKeys, writer: DurableWriter) {
    this.#link = link
    this.#keys = keys
    this.#writer = writer
  }

  async insert(record: ApiKeyRecord, cap?: ApiKeyCap): Promise<boolean> {
    const { id, owner, createdAt, expiresAt, revokedAt, lastUsedAt, lastUsedIp } = record
    const times = [revokedAt, lastUsedAt, expiresAt, createdAt].map(packed).join('')
    const text = [times + packText(lastUsedIp), packText(owner), packApiKey(record)].join(mark.field)
    const ends = Math.min(expiresAt ?? Number.POSITIVE_INFINITY, revokedAt ?? Number.POSITIVE_INFINITY)
    const args = [id, text, packInstant(createdAt), packText(owner), Number.isFinite(ends) ? String(ends) : '']
    const limit = cap === undefined ? [] : [String(cap.max), String(cap.now)]
    const answer = await this.#run(apiKeyScripts.insert, [...args, ...limit])
    if (answer === 'exists') throw new Error('an API key with this id exists')
    return answer === 1
  }

  async get(id: string): Promise<ApiKeyRecord | undefined> {
    const [data] = this.#keys.apiKeys
    const text = await this.#link.send(data, ['HGET', data, id])
    return typeof text === 'string' ? this.#recordOf(id, text) : undefined
  }

  async list({ owner, after, limit }: ApiKeyQuery): Promise<ApiKeyPage> {
    const [data, listed, owned] = this.#keys.apiKeys
    const prefix = owner === undefined ? '' : packText(owner) + mark.field
    const from = after === undefined ? `(${prefix}~` : `(${prefix}${packInstant(after.createdAt)}${after.id}`
    const keys = [owner === undefined ? listed : owned, data] as const
    const args = [from, prefix === '' ? '-' : `[${prefix}`, String(limit + 1), String(prefix === '' ? 10 : 0)]
    const answer = await runScript((command) => this.#link.send(data, command), apiKeyScripts.list, keys, args)
    if (!Array.isArray(answer)) throw new TypeError('Redis answered a list of API keys with something else')
    const found: ApiKeyRecord[] = []
    for (let at = 0; at < answer.length; at += 2) found.push(this.#recordOf(String(answer[at]), String(answer[at + 1])))
    const items = found.slice(0, limit)
    const last = items.at(-1)
    return found.length > limit && last !== undefined ? { items, next: { createdAt: last.createdAt, id: last.id } } : { items }
  }

  async touch(id: string, usedAt: Instant, ip: string | null): Promise<void> {
    await this.#run(apiKeyScripts.touch, [id, packInstant(usedAt), packText(ip)])
  }

  async revoke(id: string, at: Instant): Promise<boolean> {
    const { reply } = await this.#revoke(id, at)
    if (reply === 1) this.#revoked.set(id, at)
    return reply === 1
  }

  async revokeOwner(owner: string, at: Instant): Promise<readonly string[]> {
    const args = [packText(owner) + mark.field, packInstant(at), String(at)]
    const { reply } = await this.#writer.run(shard, apiKeyScripts.revokeOwner, this.#keys.apiKeys, args)
    if (!Array.isArray(reply)) throw new TypeError('Redis answered the revocation of API keys with something else')
    const ids = reply.map(String)
    for (const id of ids) this.#revoked.set(id, at)
    return ids
  }

  async sweep(endedBefore: Instant, limit: number): Promise<number> {
    return Number(await this.#run(apiKeyScripts.sweep, [String(endedBefore), String(limit)]))
  }

  assertAgain(): Promise<void> {
    return inGroups(this.#revoked.entries, ([id, at]) => this.#revoke(id, at))
  }

  #revoke(id: string, at: Instant): ReturnType<DurableWriter['run']> {
    return this.#writer.run(shard, apiKeyScripts.revoke, this.#keys.apiKeys, [id, packInstant(at), String(at)])
  }

  #recordOf(id: string, text: string): ApiKeyRecord {
    const record = unpack(id, text)
    const revokedAt = record.revokedAt ?? this.#revoked.get(id) ?? null
    return { ...record, revokedAt }
  }

  #run(script: Script, args: readonly string[]): Promise<unknown> {
    const keys = this.#keys.apiKeys
    return runScript((command) => this.#link.send(keys[0], command), script, keys, args)
  }
}

function unpack(id: string, text: string): ApiKeyRecord {
  const [ip, owner, data] = text.slice(36).split(mark.field)
  const [revokedAt, lastUsedAt, expiresAt, createdAt] = [0, 9, 18, 27].map((from) => unpackOrNull(text.slice(from, from + 9)))
  if (ip === undefined || owner === undefined || data === undefined || createdAt == null) {
    throw new Error(`the stored API key ${id} is damaged`)
  }
  return {
    id,
    owner: unpackText(owner) ?? '',
    ...unpackApiKey(id, data),
    createdAt,
    expiresAt: expiresAt ?? null,
    lastUsedAt: lastUsedAt ?? null,
    lastUsedIp: unpackText(ip),
    revokedAt: revokedAt ?? null,
  }
}

const unpackOrNull = (text: string): Instant | null => (text === none ? null : unpackInstant(text))
