/**
 * Deleting what has ended. Redis lets keys go by itself some time after the last session in them has ended; this
 * tidies up sooner, and takes what is gone out of the indexes. A call looks at a bounded number of sessions and the
 * next one goes on from there, so at scale a round takes many calls.
 */
import type { Link } from './redis-client.ts'
import { indexScripts } from './redis-index-scripts.ts'
import { type RedisKeys, type SlotTag, shards, tagOf } from './redis-keys.ts'
import { entryOf, type IndexEntry } from './redis-list.ts'
import type { Script } from './redis-lua.ts'
import { runScript } from './redis-runner.ts'
import { scripts } from './redis-scripts.ts'
import type { RedisSessions } from './redis-sessions.ts'
import type { SessionId, SessionRecord, SweepQuery } from './store.ts'

/** Sessions looked at in one call, at the least. */
const budget = 20_000
/** Entries of one shard's index looked at in one go. */
const stride = 256
/** Shards visited together. */
const width = 128

export class RedisSweep {
  readonly #link: Link
  readonly #keys: RedisKeys
  readonly #sessions: RedisSessions
  #shard = 0

  constructor(link: Link, keys: RedisKeys, sessions: RedisSessions) {
    this.#link = link
    this.#keys = keys
    this.#sessions = sessions
  }

  /** Ids of what this call deleted. */
  async sweep(query: SweepQuery): Promise<readonly SessionId[]> {
    const swept: SessionId[] = []
    // Sweeps of one node may overlap: each goes its own way round.
    let place = this.#shard
    let looked = 0
    let visited = 0
    while (visited < shards.length && looked < budget) {
      const some = await this.#next(place, Math.min(width, shards.length - visited), budget - looked)
      const round = await Promise.all(some.map((shard) => this.#visit(shard, query)))
      for (const visit of round) {
        looked += visit.looked
        await this.#delete(visit.ended, query, swept)
      }
      if (swept.length >= query.limit) break
      place = (place + some.length) % shards.length
      visited += some.length
    }
    this.#shard = place
    return swept
  }

  /** The next shards, one at least, that together have no more sessions than are to be looked at. */
  async #next(place: number, count: number, most: number): Promise<string[]> {
    const some = Array.from({ length: count }, (_, at) => shards[(place + at) % shards.length] ?? '')
    const lengths = await Promise.all(
      some.map(async (shard) => Number(await this.#link.send(this.#keys.index(shard), ['LLEN', this.#keys.index(shard)]))),
    )
    let total = 0
    return some.filter((_, at) => {
      total += lengths[at] ?? 0
      return at === 0 || total <= most
    })
  }

  /** Looks through a shard's index from its oldest entry on; finds the slot tags in which something has ended. */
  async #visit(shard: string, query: SweepQuery): Promise<Visit> {
    const index = this.#keys.index(shard)
    const ended = new Set<SlotTag>()
    let looked = 0
    for (let from = -stride; ; from -= stride) {
      // A shard without sessions costs this one command.
      const answer = await this.#link.send(index, ['LRANGE', index, String(from), String(from + stride - 1)])
      const entries = Array.isArray(answer) ? answer.map((text) => entryOf(shard, String(text))) : []
      looked += entries.length
      const byTag = new Map<SlotTag, IndexEntry[]>()
      for (const entry of entries) {
        const own = byTag.get(tagOf(entry.id))
        if (own === undefined) byTag.set(tagOf(entry.id), [entry])
        else own.push(entry)
      }
      const records = await this.#sessions.readTags([...byTag.keys()])
      for (const [tag, own] of byTag) {
        const found = records.get(tag) ?? []
        if (found.some((record) => hasEnded(record, query))) ended.add(tag)
        const ids = new Set(found.map(({ id }) => id))
        await this.#unlist(
          tag,
          own.filter(({ id }) => !ids.has(id)).map(({ text }) => text),
        )
      }
      if (entries.length < stride) return { looked, ended }
    }
  }

  async #delete(
    tags: ReadonlySet<SlotTag>,
    { endedBefore, anonymousEndedBefore, limit }: SweepQuery,
    swept: SessionId[],
  ): Promise<void> {
    for (const tag of tags) {
      if (swept.length >= limit) return
      const keys = [
        this.#keys.open(tag),
        this.#keys.revoked(tag),
        this.#keys.everyone(tag),
        this.#keys.index(tag),
        this.#keys.note(tag),
      ]
      const args = [endedBefore, anonymousEndedBefore, limit - swept.length].map(String)
      const answer = await this.#run(scripts.sweep, keys, [...args, tag.slice(2, 4)])
      if (Array.isArray(answer)) swept.push(...answer.map((part) => tag + String(part)))
    }
  }

  /** Takes entries out of the index whose session Redis has let go. */
  async #unlist(tag: SlotTag, entries: readonly string[]): Promise<void> {
    if (entries.length === 0) return
    await this.#run(indexScripts.indexClean, [this.#keys.index(tag), this.#keys.open(tag), this.#keys.revoked(tag)], entries)
  }

  #run(script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    return runScript((command) => this.#link.send(keys[0] ?? '', command), script, keys, args)
  }
}

interface Visit {
  readonly looked: number
  readonly ended: ReadonlySet<SlotTag>
}

function hasEnded(record: SessionRecord, { endedBefore, anonymousEndedBefore }: SweepQuery): boolean {
  const { subject, idleExpiresAt, absoluteExpiresAt, revokedAt } = record
  const before = subject === null ? anonymousEndedBefore : endedBefore
  return Math.min(idleExpiresAt, absoluteExpiresAt, revokedAt ?? Number.POSITIVE_INFINITY) <= before
}
