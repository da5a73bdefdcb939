/** The session methods on Redis: every race is settled by one script on one slot. */

import { sessionIdPattern } from '../shared/session-id.ts'
import type { RecentRevocations } from './recent-revocations.ts'
import type { Link } from './redis-client.ts'
import { DecodedSessions } from './redis-decoded.ts'
import { Directory } from './redis-directory.ts'
import type { DurableWriter, Written } from './redis-durable.ts'
import { everyoneOutIn, raiseEpochs } from './redis-everyone.ts'
import { inWaves, ownPart, type RedisKeys, type SlotTag, shardOf, tagOf } from './redis-keys.ts'
import type { Lookups } from './redis-lookups.ts'
import type { Script } from './redis-lua.ts'
import {
  type EveryoneOut,
  idsIn,
  packInstant,
  packRecord,
  packRevision,
  packRevocation,
  seek,
  unpackRecord,
} from './redis-record.ts'
import { runScript } from './redis-runner.ts'
import { scripts } from './redis-scripts.ts'
import { packText } from './redis-text.ts'
import type { Insertion, Revocation, Revoked, RevokeTarget, SessionCap, SessionId, SessionRecord, Sighting } from './store.ts'

export interface RedisSessionsOptions {
  readonly link: Link
  readonly keys: RedisKeys
  readonly lookups: Lookups
  readonly writer: DurableWriter
  readonly recent: RecentRevocations
  /** How long Redis keeps what has ended, in ms. */
  readonly retention: number
  readonly onHandedOut: (id: SessionId) => void
  /** Whether it is remembered as handed out. */
  readonly isHandedOut: (id: SessionId) => boolean
  readonly onChanged: (ids: readonly SessionId[] | undefined) => void
}

export class RedisSessions {
  readonly #options: RedisSessionsOptions
  readonly #link: Link
  readonly #keys: RedisKeys
  readonly decoded: DecodedSessions
  readonly directory: Directory

  constructor(options: RedisSessionsOptions) {
    this.#options = options
    this.#link = options.link
    this.#keys = options.keys
    this.decoded = new DecodedSessions(options.isHandedOut)
    this.directory = new Directory(options.link, options.keys)
  }

  async insert(record: SessionRecord, cap?: SessionCap): Promise<Insertion> {
    if (!sessionIdPattern.test(record.id)) throw new TypeError('a session id is 24 base64url characters')
    const packed = packRecord(record, true)
    const lifetime = this.#lifetimeOf(record)
    const elsewhere = await this.#makeRoomElsewhere(record, cap)
    this.#options.onHandedOut(record.id)
    await this.directory.register(record, lifetime)
    const tag = tagOf(record.id)
    const keys = [...this.#tagKeys(tag), this.#keys.index(tag), this.#keys.note(tag)]
    const own = record.revokedAt === null ? '' : packRevocation({ at: record.revokedAt, reason: record.reason ?? 'admin' })
    const { createdAt, seenAt, idleExpiresAt, absoluteExpiresAt, lastIp, subject, body } = packed
    const answer = await this.#run(scripts.insert, keys, [
      ownPart(record.id),
      createdAt + seenAt + idleExpiresAt + absoluteExpiresAt + packRevision(0),
      `${lastIp}\x1f${subject}\x1f${body}`,
      String(lifetime),
      createdAt + record.id.slice(2) + (record.subject === null ? '-' : '+'),
      subject,
      own,
      String(this.#options.retention),
      ...this.#capArguments(record, cap, elsewhere.live),
    ])
    if (answer === 'exists') throw new Error('a session with this id exists')
    if (answer === 'full' || !Array.isArray(answer)) return { inserted: false, evicted: [] }
    const [count, ...parts] = answer
    const changed = parts.map((part) => tag + String(part))
    const evicted = changed.slice(0, Number(count))
    if (cap !== undefined) {
      this.#note(evicted, { at: cap.now, reason: 'evicted' })
      this.#note(changed.slice(evicted.length), { at: cap.now, reason: 'replaced' })
      await this.#replaceElsewhere(record, cap)
    }
    return { inserted: true, evicted: [...elsewhere.evicted, ...evicted] }
  }

  get(id: SessionId, held?: SessionRecord): Promise<SessionRecord | undefined> {
    const known = this.decoded.find(id, held)
    if (known === undefined) {
      if (!sessionIdPattern.test(id)) return Promise.resolve(undefined)
      // Before it is read: a note that arrives meanwhile must find it. What is decoded has been handed out.
      this.#options.onHandedOut(id)
    }
    return this.#options.lookups.read(id, (open, out) => {
      const record = typeof open === 'string' ? this.decoded.recordIn(open, id, known) : undefined
      return record === undefined ? this.#getRevoked(id) : this.decode(record, out)
    })
  }

  /** As it counts: put out with everyone, or revoked by this node whatever the server says. */
  decode(record: SessionRecord, out: EveryoneOut | undefined): SessionRecord {
    if (record.revokedAt !== null) return record
    if (out !== undefined && record.epoch < out.epoch) {
      return { ...record, revokedAt: out.revocation.at, reason: out.revocation.reason }
    }
    return this.#options.recent.overlay(record, shardOf)
  }

  /** All records of some slot tags. */
  async readTags(tags: readonly SlotTag[]): Promise<Map<SlotTag, SessionRecord[]>> {
    const found = await inWaves(tags, async (tag) => [tag, await this.#readTag(tag)] as const)
    return new Map(found)
  }

  async replace(next: SessionRecord, revision: number): Promise<boolean> {
    if (!sessionIdPattern.test(next.id) || !Number.isInteger(revision) || revision < 0) return false
    const packed = packRecord(next, false)
    const lifetime = this.#lifetimeOf(next)
    await this.directory.register(next, lifetime)
    const [openKey, , everyoneKey] = this.#tagKeys(next.id)
    const { seenAt, idleExpiresAt, absoluteExpiresAt, lastIp, body } = packed
    const won = await this.#run(
      scripts.replace,
      [openKey, everyoneKey, this.#keys.note(next.id)],
      [
        ownPart(next.id),
        packRevision(revision),
        seenAt,
        idleExpiresAt,
        absoluteExpiresAt,
        packRevision(revision + 1),
        lastIp,
        body,
        String(lifetime),
      ],
    )
    if (won !== 1) return false
    this.#options.onChanged([next.id])
    return true
  }

  /** One script for each slot tag. */
  async touch(sightings: readonly Sighting[]): Promise<void> {
    const byTag = new Map<SlotTag, string[]>()
    for (const { id, seenAt, idleExpiresAt, ip } of sightings) {
      if (!sessionIdPattern.test(id)) continue
      const args = byTag.get(tagOf(id)) ?? []
      args.push(ownPart(id), packInstant(seenAt), packInstant(idleExpiresAt), packText(ip))
      byTag.set(tagOf(id), args)
    }
    await inWaves([...byTag], ([tag, args]) => this.#run(scripts.touch, [this.#keys.open(tag), this.#keys.everyone(tag)], args))
  }

  async revoke(target: RevokeTarget, revocation: Revocation): Promise<Revoked> {
    if ('everyone' in target) return this.#revokeEveryone(revocation)
    if ('id' in target) return sessionIdPattern.test(target.id) ? this.revokeOne(target.id, null, revocation) : nothing
    const tags = await this.directory.tagsOf(target.subject)
    const each = await Promise.all(tags.map((tag) => this.#revokeIn(tag, '', target.subject, target.except, revocation)))
    return { ids: each.flatMap(({ ids }) => ids), durable: each.every(({ durable }) => durable) }
  }

  /** With a subject: only if the session is that subject's. */
  revokeOne(id: SessionId, subject: string | null, revocation: Revocation): Promise<Revoked> {
    return this.#revokeIn(tagOf(id), ownPart(id), subject, undefined, revocation)
  }

  /** Brings every shard to at least the epoch that it had reached before. */
  async assertEveryone(epochs: ReadonlyMap<string, number>, revocation: Revocation): Promise<void> {
    await raiseEpochs(this.#options, revocation, (shard) => String(epochs.get(shard) ?? 0))
  }

  async #revokeEveryone(revocation: Revocation): Promise<Revoked> {
    const { epochs, durable } = await raiseEpochs(this.#options, revocation, () => '')
    this.#options.recent.addEveryone(epochs, revocation)
    this.#options.onChanged(undefined)
    return { ids: [], durable }
  }

  async #revokeIn(
    tag: SlotTag,
    own: string,
    subject: string | null,
    except: SessionId | undefined,
    revocation: Revocation,
  ): Promise<Revoked> {
    const spared = except !== undefined && tagOf(except) === tag ? ownPart(except) : ''
    const args = [own, packText(subject), spared, packRevocation(revocation), String(this.#options.retention)]
    const keys = [...this.#tagKeys(tag), this.#keys.note(tag)] as const
    const { reply, durable }: Written = await this.#options.writer.run(tag.slice(0, 2), scripts.revoke, keys, args)
    const ids = Array.isArray(reply) ? reply.map((part) => tag + String(part)) : []
    this.#note(ids, revocation)
    return { ids, durable }
  }

  #note(ids: readonly SessionId[], revocation: Revocation): void {
    if (ids.length === 0) return
    this.#options.recent.add(ids, revocation)
    this.#options.onChanged(ids)
  }

  async #getRevoked(id: SessionId): Promise<SessionRecord | undefined> {
    const key = this.#keys.revoked(id)
    const text = await this.#link.send(key, ['GET', key])
    const from = typeof text === 'string' ? seek(text, id) : -1
    return from < 0 ? undefined : unpackRecord(String(text), from, id)
  }

  async #readTag(tag: SlotTag): Promise<SessionRecord[]> {
    const keys = this.#tagKeys(tag)
    const answer = await this.#link.send(keys[0], ['MGET', ...keys])
    if (!Array.isArray(answer)) throw new TypeError('Redis answered MGET with something else')
    const records: SessionRecord[] = []
    for (const text of answer.slice(0, 2)) {
      if (typeof text !== 'string') continue
      for (const id of idsIn(text, tag))
        records.push(this.decode(unpackRecord(text, seek(text, id), id), everyoneOutIn(answer[2])))
    }
    return records
  }

  /**
   * A subject has sessions under another slot tag only since the signing key was changed. Those are the older ones:
   * they go first, and what stays of them counts for the cap. This part is not one step with the insertion.
   */
  async #makeRoomElsewhere(record: SessionRecord, cap: SessionCap | undefined): Promise<Elsewhere> {
    const { subject, id } = record
    if (cap === undefined || subject === null) return { live: 0, evicted: [] }
    const tags = await this.directory.tagsOf(subject)
    const others = tags.filter((tag) => tag !== tagOf(id))
    if (others.length === 0) return { live: 0, evicted: [] }
    const records = await this.readTags([tagOf(id), ...others])
    const isLive = (each: SessionRecord): boolean =>
      each.subject === subject && each.revokedAt === null && Math.min(each.idleExpiresAt, each.absoluteExpiresAt) > cap.now
    const live = [...records.values()].flat().filter((each) => isLive(each) && each.id !== cap.replaces)
    const elsewhere = live.filter((each) => tagOf(each.id) !== tagOf(id)).sort((a, b) => a.createdAt - b.createdAt)
    const surplus = cap.whenFull === 'refuse' ? 0 : Math.max(0, live.length + 1 - cap.max)
    const chosen = elsewhere.slice(0, surplus)
    const revocation: Revocation = { at: cap.now, reason: 'evicted' }
    const revoked = await Promise.all(chosen.map((each) => this.revokeOne(each.id, subject, revocation)))
    return { live: elsewhere.length - chosen.length, evicted: revoked.flatMap(({ ids }) => ids) }
  }

  async #replaceElsewhere({ id, subject }: SessionRecord, { replaces, now }: SessionCap): Promise<void> {
    if (replaces === undefined || subject === null || tagOf(replaces) === tagOf(id) || !sessionIdPattern.test(replaces)) return
    await this.revokeOne(replaces, subject, { at: now, reason: 'replaced' })
  }

  #capArguments({ id, subject }: SessionRecord, cap: SessionCap | undefined, elsewhere: number): string[] {
    if (cap === undefined || subject === null) return []
    const replaced = cap.replaces !== undefined && tagOf(cap.replaces) === tagOf(id) ? ownPart(cap.replaces) : ''
    return [String(cap.max), String(cap.now), cap.whenFull, replaced, String(elsewhere), packInstant(cap.now)]
  }

  /** Relative, as the clock of the server is not ours; from the latest sighting, which is never after now. */
  #lifetimeOf({ absoluteExpiresAt, seenAt, createdAt }: SessionRecord): number {
    return Math.max(0, absoluteExpiresAt - Math.min(seenAt, createdAt)) + this.#options.retention
  }

  #tagKeys(tag: SlotTag | SessionId): readonly [open: string, revoked: string, everyone: string] {
    return [this.#keys.open(tag), this.#keys.revoked(tag), this.#keys.everyone(tag)]
  }

  #run(script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    return runScript((command) => this.#link.send(keys[0] ?? '', command), script, keys, args)
  }
}

const nothing: Revoked = { ids: [], durable: true }

interface Elsewhere {
  /** Live sessions of the subject under other slot tags. */
  readonly live: number
  readonly evicted: readonly SessionId[]
}
