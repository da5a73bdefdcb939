/**
 * Lists, newest first. A subject's are read whole. All sessions are merged from the indexes of the 4096 shards: a
 * page costs one command to each of them (some 10 ms in all) and one read for each session looked at.
 */
import type { Link } from './redis-client.ts'
import { indexScripts } from './redis-index-scripts.ts'
import { inWaves, type RedisKeys, type SlotTag, shards, tagOf } from './redis-keys.ts'
import { packInstant } from './redis-record.ts'
import { runScript } from './redis-runner.ts'
import type { RedisSessions } from './redis-sessions.ts'
import type { Cursor, ListQuery, SessionId, SessionPage, SessionRecord } from './store.ts'

/** One session in a shard's index: `createdAt` 9, id without its shard 22, `+` or `-` for anonymous. */
export interface IndexEntry {
  readonly text: string
  readonly id: SessionId
  readonly isAnonymous: boolean
}

export function entryOf(shard: string, text: string): IndexEntry {
  return { text, id: shard + text.slice(9, 31), isAnonymous: text.charCodeAt(31) === 45 }
}

/** Orders entries of all shards: by creation, then by id. */
const rankOf = ({ text, id }: IndexEntry): string => text.slice(0, 9) + id

interface Source {
  readonly shard: string
  readonly entries: IndexEntry[]
  next: number
  /** Whether the shard may have more than what was read. */
  isOpen: boolean
}

export class RedisList {
  readonly #link: Link
  readonly #keys: RedisKeys
  readonly #sessions: RedisSessions

  constructor(link: Link, keys: RedisKeys, sessions: RedisSessions) {
    this.#link = link
    this.#keys = keys
    this.#sessions = sessions
  }

  list(query: ListQuery): Promise<SessionPage> {
    return typeof query.subject === 'string' ? this.#ofSubject(query.subject, query) : this.#ofAll(query)
  }

  async #ofSubject(subject: string, query: ListQuery): Promise<SessionPage> {
    const tags = await this.#sessions.directory.tagsOf(subject)
    const records = [...(await this.#sessions.readTags(tags)).values()].flat()
    const own = records.filter((record) => record.subject === subject && isWanted(record, query)).sort(newestFirst)
    return pageOf(own, query.limit)
  }

  async #ofAll(query: ListQuery): Promise<SessionPage> {
    const found: SessionRecord[] = []
    const merge = new Merge(await this.#open(query), (source) => this.#readOn(source))
    while (found.length <= query.limit) {
      const entries = await merge.take(query.limit + 1 - found.length)
      if (entries.length === 0) break
      const wanted = query.subject === null ? entries.filter(({ isAnonymous }) => isAnonymous) : entries
      const records = await this.#read(wanted.map(({ id }) => id))
      found.push(...records.filter((record) => isWanted(record, query)))
    }
    return pageOf(found, query.limit)
  }

  /** The first entries of every shard. Few: sessions are spread evenly. */
  #open({ after, limit }: ListQuery): Promise<Source[]> {
    const count = Math.ceil(limit / shards.length) + 3
    return inWaves(shards, async (shard) => {
      const cursor = after && cursorEntry(after, shard)
      const entries = await this.#readIndex(shard, cursor, count)
      return { shard, entries, next: 0, isOpen: entries.length === count }
    })
  }

  async #readOn(source: Source): Promise<void> {
    const last = source.entries.at(-1)
    const count = Math.min(source.entries.length * 2, 1000)
    const more = last === undefined ? [] : await this.#readIndex(source.shard, last.text, count)
    source.entries.push(...more)
    source.isOpen = more.length === count
  }

  async #readIndex(shard: string, after: string | undefined, count: number): Promise<IndexEntry[]> {
    const key = this.#keys.index(shard)
    const send = (command: string[]): Promise<unknown> => this.#link.send(key, command)
    const answer =
      after === undefined
        ? await send(['LRANGE', key, '0', String(count - 1)])
        : await runScript(send, indexScripts.indexPage, [key], [after, String(count)])
    if (!Array.isArray(answer)) throw new TypeError('Redis answered for an index with something else')
    return answer.map((text) => entryOf(shard, String(text)))
  }

  /** In the order of `ids`, without those that are gone. */
  async #read(ids: readonly SessionId[]): Promise<SessionRecord[]> {
    const tags = new Set<SlotTag>(ids.map(tagOf))
    const found = new Map<SessionId, SessionRecord>()
    for (const records of (await this.#sessions.readTags([...tags])).values()) {
      for (const record of records) found.set(record.id, record)
    }
    return ids.flatMap((id) => found.get(id) ?? [])
  }
}

/** Takes entries from all sources in order. Sources that may hold the next one wait in a heap, the newest on top. */
class Merge {
  readonly #heap: Source[] = []
  readonly #readOn: (source: Source) => Promise<void>

  constructor(sources: readonly Source[], readOn: (source: Source) => Promise<void>) {
    this.#readOn = readOn
    for (const source of sources) if (source.entries.length > 0) this.#push(source)
  }

  async take(count: number): Promise<IndexEntry[]> {
    const taken: IndexEntry[] = []
    while (taken.length < count) {
      const source = this.#pop()
      const entry = source?.entries[source.next]
      if (source === undefined || entry === undefined) break
      taken.push(entry)
      source.next += 1
      if (source.next === source.entries.length && source.isOpen) await this.#readOn(source)
      if (source.next < source.entries.length) this.#push(source)
    }
    return taken
  }

  #push(source: Source): void {
    const rank = headOf(source)
    let place = this.#heap.push(source) - 1
    while (place > 0) {
      const parent = (place - 1) >>> 1
      const above = this.#heap[parent]
      if (above === undefined || headOf(above) >= rank) break
      this.#heap[place] = above
      place = parent
    }
    this.#heap[place] = source
  }

  #pop(): Source | undefined {
    const top = this.#heap[0]
    const last = this.#heap.pop()
    if (last === undefined || this.#heap.length === 0) return top
    let place = 0
    for (;;) {
      const left = 2 * place + 1
      const [a, b] = [this.#heap[left], this.#heap[left + 1]]
      const [child, at] = a !== undefined && b !== undefined && headOf(b) > headOf(a) ? [b, left + 1] : [a, left]
      if (child === undefined || headOf(child) <= headOf(last)) break
      this.#heap[place] = child
      place = at
    }
    this.#heap[place] = last
    return top
  }
}

function headOf({ entries, next }: Source): string {
  const entry = entries[next]
  return entry === undefined ? '' : rankOf(entry)
}

/** Entries below it in the index of a shard come after the cursor, whatever shard the cursor's own session is in. */
function cursorEntry({ createdAt, id }: Cursor, shard: string): string {
  const own = id.slice(0, 2)
  if (own === shard) return packInstant(createdAt) + id.slice(2)
  // Of the same millisecond: all of a lower shard come after it, none of a higher one.
  return packInstant(createdAt) + (shard < own ? '~' : '')
}

const newestFirst = (a: SessionRecord, b: SessionRecord): number => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1)

function isWanted(record: SessionRecord, { liveAt, after }: ListQuery): boolean {
  if (after !== undefined && (record.createdAt - after.createdAt || (record.id < after.id ? -1 : 1)) > 0) return false
  if (record.id === after?.id) return false
  if (liveAt === undefined) return true
  return record.revokedAt === null && record.idleExpiresAt > liveAt && record.absoluteExpiresAt > liveAt
}

function pageOf(records: readonly SessionRecord[], limit: number): SessionPage {
  const items = records.slice(0, limit)
  const last = items.at(-1)
  if (records.length <= limit || last === undefined) return { items }
  return { items, next: { createdAt: last.createdAt, id: last.id } }
}
