/** Counters in Redis: one hash and one sorted set of window ends in each of 64 shards. */
import type { Count, CounterStore } from './counters.ts'
import type { Window } from './counting.ts'
import type { Link } from './redis-client.ts'
import { companionShardOf, companionShards, Rounds } from './redis-companions.ts'
import type { RedisKeys } from './redis-keys.ts'
import type { Script } from './redis-lua.ts'
import { runScript } from './redis-runner.ts'
import { sweepEnded } from './redis-tickets.ts'
import type { Instant } from './store.ts'

/** KEYS data, endings. ARGV 1 key, 2 amount, 3 now, 4 end of a new window, 5 at most or ''. Returns what is counted, the end. */
const add: Script = {
  name: 'addCount',
  source: `
local count, resets = 0, tonumber(ARGV[4])
local found = redis.call('HGET', KEYS[1], ARGV[1])
if found then
  local kept, stands = string.match(found, '^(%d+) (%-?%d+)$')
  if tonumber(stands) > tonumber(ARGV[3]) then count, resets = tonumber(kept), tonumber(stands) end
end
local total = count + tonumber(ARGV[2])
local answer = total
if ARGV[5] ~= '' and total > tonumber(ARGV[5]) then
  total = tonumber(ARGV[5])
  answer = total + 1
end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f %.0f', total, resets))
redis.call('ZADD', KEYS[2], string.format('%.0f', resets), ARGV[1])
return string.format('%.0f %.0f', answer, resets)
`,
}

/** KEYS data, endings. ARGV 1 key. */
const reset: Script = {
  name: 'resetCount',
  source: `
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('HDEL', KEYS[1], ARGV[1])
`,
}

const page = '1000'

export class RedisCounters implements CounterStore {
  readonly #link: Link
  readonly #keys: RedisKeys
  readonly #rounds: Rounds = new Rounds()

  constructor(link: Link, keys: RedisKeys) {
    this.#link = link
    this.#keys = keys
  }

  async add(key: string, amount: number, { now, windowMs, atMost }: Window): Promise<Count> {
    const args = [key, amount, now, now + windowMs, atMost ?? ''].map(String)
    return countOf(String(await this.#run(add, companionShardOf(key), args)))
  }

  async read(key: string, now: Instant): Promise<Count | undefined> {
    const [data] = this.#keys.counters(companionShardOf(key))
    const found = await this.#link.send(data, ['HGET', data, key])
    if (typeof found !== 'string') return undefined
    const count = countOf(found)
    return count.resetsAt > now ? count : undefined
  }

  async reset(key: string): Promise<boolean> {
    return (await this.#run(reset, companionShardOf(key), [key])) === 1
  }

  /** Goes through all counters, on the server: for people who look at lock-outs, not for checks. */
  async list(prefix: string, now: Instant, limit: number): Promise<readonly (Count & { readonly key: string })[]> {
    const all = await Promise.all(companionShards.map((shard) => this.#scan(shard, prefix)))
    const running = all.flatMap((found) => [...found].map(([key, text]) => ({ key, ...countOf(text) })))
    return running
      .filter(({ resetsAt }) => resetsAt > now)
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .slice(0, limit)
  }

  sweep(now: Instant, limit: number): Promise<number> {
    return this.#rounds.run(limit, async (shard, left) => Number(await this.#run(sweepEnded, shard, [String(now), String(left)])))
  }

  /** A scan may name a key twice. */
  async #scan(shard: string, prefix: string): Promise<Map<string, string>> {
    const [data] = this.#keys.counters(shard)
    const pattern = `${prefix.replaceAll(/[\\*?[\]]/g, '\\$&')}*`
    const found = new Map<string, string>()
    let cursor = '0'
    do {
      const answer = await this.#link.send(data, ['HSCAN', data, cursor, 'MATCH', pattern, 'COUNT', page])
      const [next, pairs] = Array.isArray(answer) ? (answer as [unknown, unknown]) : [undefined, undefined]
      if (next === undefined || !Array.isArray(pairs)) throw new TypeError('Redis answered HSCAN with something else')
      for (let at = 0; at < pairs.length; at += 2) found.set(String(pairs[at]), String(pairs[at + 1]))
      cursor = String(next)
    } while (cursor !== '0')
    return found
  }

  #run(script: Script, shard: string, args: readonly string[]): Promise<unknown> {
    const keys = this.#keys.counters(shard)
    return runScript((command) => this.#link.send(keys[0], command), script, keys, args)
  }
}

function countOf(text: string): Count {
  const [count, resetsAt] = text.split(' ').map(Number)
  if (count === undefined || resetsAt === undefined || Number.isNaN(count + resetsAt))
    throw new Error('a stored count is damaged')
  return { count, resetsAt }
}
