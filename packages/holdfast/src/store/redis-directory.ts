/**
 * Which slot tags a subject's sessions carry: more than one while signing keys rotate. Entries of a digest, a tag and
 * the day until which it is needed, in buckets; a stranger with the same digest costs a look-up and no more, as each
 * record names its subject.
 */
import type { Link } from './redis-client.ts'
import { indexScripts } from './redis-index-scripts.ts'
import { type RedisKeys, type SlotTag, spread, tagOf } from './redis-keys.ts'
import { runScript } from './redis-runner.ts'
import type { Instant, SessionRecord } from './store.ts'

const day = 86_400_000
const digestLength = 6
const entryLength = 13
const dayOf = (instant: Instant): string =>
  Math.min(Math.floor(instant / day), 46_655)
    .toString(36)
    .padStart(3, '0')

export class Directory {
  readonly #link: Link
  readonly #keys: RedisKeys

  constructor(link: Link, keys: RedisKeys) {
    this.#link = link
    this.#keys = keys
  }

  /** Must have succeeded before the record is stored: a session that is not found here escapes "revoke all". */
  async register(record: SessionRecord, lifetime: number): Promise<void> {
    if (record.subject === null) return
    const { key, digest } = this.#placeOf(record.subject)
    const until = dayOf(record.absoluteExpiresAt + day)
    const args = [digest + tagOf(record.id), until, dayOf(record.seenAt), String(lifetime)]
    await runScript((command) => this.#link.send(key, command), indexScripts.register, [key], args)
  }

  async tagsOf(subject: string): Promise<readonly SlotTag[]> {
    const { key, digest } = this.#placeOf(subject)
    const text = String((await this.#link.send(key, ['GET', key])) ?? '')
    const tags: SlotTag[] = []
    for (let at = 0; at < text.length; at += entryLength) {
      if (text.startsWith(digest, at)) tags.push(text.slice(at + digestLength, at + digestLength + 4))
    }
    return tags
  }

  /** 65,536 buckets: 1500 entries, 20 KB, in each at 100 million subjects. */
  #placeOf(subject: string): { readonly key: string; readonly digest: string } {
    const spelled = spread(subject)
    const bucket = (spelled.charCodeAt(2) & 15).toString(16)
    return { key: this.#keys.directory(spelled.slice(0, 2), bucket), digest: spelled.slice(3, 3 + digestLength) }
  }
}
