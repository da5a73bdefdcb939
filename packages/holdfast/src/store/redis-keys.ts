/**
 * Where things stand in Redis. All that belongs to one subject, and all that a script touches at once, shares a
 * hash tag, hence a slot: the first two characters of the id, one of 4096 shards. The first four are the slot tag,
 * whose sessions live together under one key.
 */
import type { SessionId } from './store.ts'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The hash tags in use: a constant of the stored format. */
export const shards: readonly string[] = [...alphabet].flatMap((first) => [...alphabet].map((second) => first + second))

/** Shards asked together by one operation over all of them, so that many such fit under the limit of commands in flight. */
const atOnce = 128

/** Does `work` for many shards, some at a time; answers in their order. */
export async function inWaves<Item, Answer>(
  items: readonly Item[],
  work: (item: Item) => Promise<Answer>,
  width: number = atOnce,
): Promise<Answer[]> {
  const answers: Answer[] = []
  for (let from = 0; from < items.length; from += width) {
    answers.push(...(await Promise.all(items.slice(from, from + width).map(work))))
  }
  return answers
}

/** The 4 characters that all ids of a subject begin with. */
export type SlotTag = string

export const tagOf = (id: SessionId): SlotTag => id.slice(0, 4)
export const shardOf = (id: SessionId | SlotTag): string => id.slice(0, 2)
/** What tells the sessions of one slot tag apart. */
export const ownPart = (id: SessionId): string => id.slice(4)

export interface Note {
  readonly tag: SlotTag
  /** Which sessions were revoked, and how, packed; absent: any of the tag may have changed. */
  readonly ended?: { readonly ids: readonly SessionId[]; readonly revocation: string }
}

const named = /^\.(\w{9}[a-z-]+)\.((?:[\w-]{20})+)$/

const mostShards = 2 ** 14

/** What the two keys begin with that every check asks for. */
interface Beginnings {
  readonly open: string
  readonly everyone: string
}

export class RedisKeys {
  readonly #prefix: string
  /** By the two characters of a shard, spelled once: there are no more of them than `shards`. */
  readonly #beginnings: Beginnings[] = new Array(mostShards)

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  /** Sessions that carry no revocation of their own. */
  open(tag: SlotTag): string {
    return this.#of(tag).open + tag.slice(2, 4)
  }

  /** Sessions that were revoked one by one. */
  revoked(tag: SlotTag): string {
    return `${this.#prefix}e{${tag.slice(0, 2)}}${tag.slice(2, 4)}`
  }

  /**
   * Written and deleted at once whenever a session of the tag changes: what other nodes listen for. Followed by `.`, a packed
   * revocation, `.` and what tells the sessions apart that were ended by it, where they are few.
   */
  note(tag: SlotTag): string {
    return `${this.#prefix}x{${tag.slice(0, 2)}}${tag.slice(2, 4)}`
  }

  /** The latest everyone-out, as this shard knows it. */
  everyone(shard: string): string {
    return this.#of(shard).everyone
  }

  /** Changes with the everyone-outs, where all shards are written in one step. */
  get stamp(): string {
    return `${this.#prefix}o`
  }

  /** Every session of the shard, newest first. */
  index(shard: string): string {
    return `${this.#prefix}n{${shard.slice(0, 2)}}`
  }

  directory(shard: string, bucket: string): string {
    return `${this.#prefix}d{${shard}}${bucket}`
  }

  tickets(shard: string): readonly [data: string, endings: string] {
    return [`${this.#prefix}k{${shard}}`, `${this.#prefix}kz{${shard}}`]
  }

  counters(shard: string): readonly [data: string, endings: string] {
    return [`${this.#prefix}c{${shard}}`, `${this.#prefix}cz{${shard}}`]
  }

  denials(shard: string): readonly [data: string, endings: string] {
    return [`${this.#prefix}r{${shard}}`, `${this.#prefix}rz{${shard}}`]
  }

  get apiKeys(): readonly [data: string, listed: string, owned: string, endings: string] {
    const named = (name: string) => `${this.#prefix}${name}{keys}`
    return [named('a'), named('al'), named('ao'), named('az')]
  }

  get events(): readonly [stream: string, sequence: string] {
    return [`${this.#prefix}l{log}`, `${this.#prefix}ln{log}`]
  }

  /** Prefixes whose writes every node is told of. */
  get tracked(): { readonly notes: string; readonly everyone: string } {
    return { notes: `${this.#prefix}x`, everyone: `${this.#prefix}o` }
  }

  #of(tag: SlotTag | string): Beginnings {
    const both = tag.charCodeAt(0) * 128 + tag.charCodeAt(1)
    const known = this.#beginnings[both]
    if (known !== undefined) return known
    const shard = tag.slice(0, 2)
    const made = { open: `${this.#prefix}s{${shard}}`, everyone: `${this.#prefix}o{${shard}}` }
    this.#beginnings[both] = made
    return made
  }

  /** What a note's key says. */
  readNote(key: string): Note {
    const at = this.#prefix.length + 2
    const tag = key.slice(at, at + 2) + key.slice(at + 3, at + 5)
    const [, revocation, owns] = named.exec(key.slice(at + 5)) ?? []
    if (revocation === undefined || owns === undefined) return { tag }
    return { tag, ended: { ids: (owns.match(/.{20}/g) ?? []).map((own) => tag + own), revocation } }
  }
}

/** The hash slot of a hash tag: CRC-16/XMODEM modulo 16384 (Redis Cluster specification, appendix A). */
export function slotOf(hashTag: string): number {
  let crc = 0
  for (let at = 0; at < hashTag.length; at += 1) {
    crc ^= hashTag.charCodeAt(at) << 8
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021
  }
  return crc & 0x3fff
}

/** 64 well-mixed bits of a text as base64url, for placing and finding; not a secret and not for proof. */
export function spread(text: string): string {
  let first = 0xdeadbeef
  let second = 0x41c6ce57
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    first = Math.imul(first ^ unit, 2654435761)
    second = Math.imul(second ^ unit, 1597334677)
  }
  first = Math.imul(first ^ (first >>> 16), 2246822507) ^ Math.imul(second ^ (second >>> 13), 3266489909)
  second = Math.imul(second ^ (second >>> 16), 2246822507) ^ Math.imul(first ^ (first >>> 13), 3266489909)
  let spelled = ''
  for (const word of [first, second]) {
    for (let shift = 26; shift >= 2; shift -= 6) spelled += alphabet[(word >>> shift) & 63]
  }
  return spelled
}
