/**
 * The denylist in Redis: one hash and one sorted set of endings in each of 64 shards. A denial is followed by WAIT like
 * a revocation; this node holds on to its latest ones and asserts them again when a primary changes.
 */
import type { Denial, Denylist } from './denylist.ts'
import { RecentDenials } from './recent-denials.ts'
import type { Link } from './redis-client.ts'
import { companionShardOf, Rounds } from './redis-companions.ts'
import type { DurableWriter } from './redis-durable.ts'
import type { RedisKeys } from './redis-keys.ts'
import type { Script } from './redis-lua.ts'
import { runScript } from './redis-runner.ts'
import { packText } from './redis-text.ts'
import { sweepEnded } from './redis-tickets.ts'
import type { Instant } from './store.ts'

/** KEYS data, endings. ARGV 1 key, 2 before or '' for "whatever their age", 3 expiresAt. */
const put: Script = {
  name: 'putDenial',
  source: `
local before, ends = ARGV[2], tonumber(ARGV[3])
local found = redis.call('HGET', KEYS[1], ARGV[1])
if found then
  local kept, stands = string.match(found, '^(%-?%d*) (%-?%d+)$')
  if kept == '' or before == '' then before = ''
  elseif tonumber(kept) > tonumber(before) then before = kept end
  ends = math.max(ends, tonumber(stands))
end
redis.call('HSET', KEYS[1], ARGV[1], before .. ' ' .. string.format('%.0f', ends))
redis.call('ZADD', KEYS[2], string.format('%.0f', ends), ARGV[1])
return 1
`,
}

export class RedisDenylist implements Denylist {
  readonly #link: Link
  readonly #keys: RedisKeys
  readonly #writer: DurableWriter
  readonly #rounds: Rounds = new Rounds()
  readonly #recent: RecentDenials = new RecentDenials()

  constructor(link: Link, keys: RedisKeys, writer: DurableWriter) {
    this.#link = link
    this.#keys = keys
    this.#writer = writer
  }

  async put(denial: Denial): Promise<{ readonly durable: boolean }> {
    this.#recent.add(denial)
    const { durable } = await this.#write(denial)
    return { durable }
  }

  /** One command for each shard that has some of the keys, all at once. */
  async find(keys: readonly string[], now: Instant): Promise<readonly Denial[]> {
    const byShard = new Map<string, string[]>()
    for (const key of new Set(keys)) {
      const shard = companionShardOf(key)
      const own = byShard.get(shard)
      if (own === undefined) byShard.set(shard, [key])
      else own.push(key)
    }
    const found = await Promise.all([...byShard].map(([shard, own]) => this.#read(shard, own)))
    return this.#recent.overlay(keys, found.flat()).filter(({ expiresAt }) => expiresAt > now)
  }

  sweep(now: Instant, limit: number): Promise<number> {
    this.#recent.forgetEnded(now)
    return this.#rounds.run(limit, async (shard, left) => {
      const names = this.#keys.denials(shard)
      const args = [String(now), String(left)]
      return Number(await runScript((command) => this.#link.send(names[0], command), sweepEnded, names, args))
    })
  }

  assertAgain(): Promise<void> {
    return this.#recent.assertAgain((denial) => this.#write(denial))
  }

  #write({ key, before, expiresAt }: Denial): Promise<{ readonly durable: boolean }> {
    const shard = companionShardOf(key)
    const args = [packText(key), before === null ? '' : String(before), String(expiresAt)]
    return this.#writer.run(shard, put, this.#keys.denials(shard), args)
  }

  async #read(shard: string, keys: readonly string[]): Promise<Denial[]> {
    const [data] = this.#keys.denials(shard)
    const answer = await this.#link.send(data, ['HMGET', data, ...keys.map(packText)])
    if (!Array.isArray(answer)) throw new TypeError('Redis answered HMGET with something else')
    return keys.flatMap((key, at) => {
      const text: unknown = answer[at]
      return typeof text === 'string' ? denialOf(key, text) : []
    })
  }
}

const pattern = /^(-?\d*) (-?\d+)$/

function denialOf(key: string, text: string): Denial {
  const [, before, expiresAt] = pattern.exec(text) ?? []
  if (before === undefined) throw new Error('a stored denial is damaged')
  return { key, before: before === '' ? null : Number(before), expiresAt: Number(expiresAt) }
}
