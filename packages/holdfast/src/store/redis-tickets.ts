/** One-time tickets in Redis: one hash and one sorted set of endings in each of 64 shards. */
import type { Link } from './redis-client.ts'
import { companionShardOf, Rounds } from './redis-companions.ts'
import type { RedisKeys } from './redis-keys.ts'
import type { Script } from './redis-lua.ts'
import { runScript } from './redis-runner.ts'
import type { Instant, JsonValue } from './store.ts'
import type { Ticket, TicketStore } from './tickets.ts'

/** KEYS data, endings. ARGV 1 id, 2 expiresAt, 3 data. */
const put: Script = {
  name: 'putTicket',
  source: `
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[3]) == 0 then return 0 end
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
return 1
`,
}

/** KEYS data, endings. ARGV 1 id. */
const take: Script = {
  name: 'takeTicket',
  source: `
local found = redis.call('HGET', KEYS[1], ARGV[1])
if found then
  redis.call('HDEL', KEYS[1], ARGV[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
end
return found
`,
}

/** KEYS data, endings. ARGV 1 now, 2 limit. */
export const sweepEnded: Script = {
  name: 'sweepEnded',
  source: `
local ended = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for at = 1, #ended, 1000 do
  local some = { unpack(ended, at, math.min(at + 999, #ended)) }
  redis.call('HDEL', KEYS[1], unpack(some))
  redis.call('ZREM', KEYS[2], unpack(some))
end
return #ended
`,
}

export class RedisTickets implements TicketStore {
  readonly #link: Link
  readonly #keys: RedisKeys
  readonly #rounds: Rounds = new Rounds()

  constructor(link: Link, keys: RedisKeys) {
    this.#link = link
    this.#keys = keys
  }

  async put({ id, expiresAt, data }: Ticket): Promise<boolean> {
    return (await this.#run(put, companionShardOf(id), [id, String(expiresAt), JSON.stringify(data)])) === 1
  }

  async take(id: string, now: Instant): Promise<Ticket | undefined> {
    const found = await this.#run(take, companionShardOf(id), [id])
    if (typeof found !== 'string') return undefined
    const end = found.indexOf(' ')
    const expiresAt = Number(found.slice(0, end))
    if (!(expiresAt > now)) return undefined
    return { id, expiresAt, data: JSON.parse(found.slice(end + 1)) as JsonValue }
  }

  sweep(now: Instant, limit: number): Promise<number> {
    return this.#rounds.run(limit, async (shard, left) => Number(await this.#run(sweepEnded, shard, [String(now), String(left)])))
  }

  #run(script: Script, shard: string, args: readonly string[]): Promise<unknown> {
    const keys = this.#keys.tickets(shard)
    return runScript((command) => this.#link.send(keys[0], command), script, keys, args)
  }
}
