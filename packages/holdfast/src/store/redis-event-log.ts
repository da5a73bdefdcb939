/** The event log in Redis: one stream, whose ids are the sequence numbers. It lives on one shard. */
import type { ChainedEvent, EventLog, EventQuery, StoredEvent } from './event-log.ts'
import type { Link } from './redis-client.ts'
import type { RedisKeys } from './redis-keys.ts'
import type { Script } from './redis-lua.ts'
import { runScript } from './redis-runner.ts'
import type { Instant, JsonValue } from './store.ts'

/** KEYS stream, sequence. ARGV 1 the sequence to append after, then by fives: at, kind, data, hash, previous. */
const append: Script = {
  name: 'appendEvents',
  source: `
local last = redis.call('GET', KEYS[2]) or '0'
if last ~= ARGV[1] then return 0 end
local sequence = tonumber(last)
for at = 2, #ARGV, 5 do
  sequence = sequence + 1
  redis.call('XADD', KEYS[1], string.format('%.0f-0', sequence), 'a', ARGV[at], 'k', ARGV[at + 1], 'd', ARGV[at + 2],
    'h', ARGV[at + 3], 'p', ARGV[at + 4])
end
redis.call('SET', KEYS[2], string.format('%.0f', sequence))
return 1
`,
}

/** KEYS stream, sequence. ARGV 1 before, 2 limit. Deletes the oldest while they are older, not the latest; returns how many. */
const sweep: Script = {
  name: 'sweepEvents',
  source: `
local gone, last = {}, (redis.call('GET', KEYS[2]) or '0') .. '-0'
for _, event in ipairs(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[2])) do
  if event[1] == last or tonumber(event[2][2]) >= tonumber(ARGV[1]) then break end
  gone[#gone + 1] = event[1]
end
for at = 1, #gone, 1000 do redis.call('XDEL', KEYS[1], unpack(gone, at, math.min(at + 999, #gone))) end
return #gone
`,
}

const page = 1000

export class RedisEventLog implements EventLog {
  readonly #link: Link
  readonly #keys: RedisKeys

  constructor(link: Link, keys: RedisKeys) {
    this.#link = link
    this.#keys = keys
  }

  async append(events: readonly ChainedEvent[], after: number): Promise<boolean> {
    const args = events.flatMap(({ at, kind, data, hash, previous }) => [String(at), kind, JSON.stringify(data), hash, previous])
    return (await this.#run(append, this.#keys.events, [String(after), ...args])) === 1
  }

  async last(): Promise<StoredEvent | undefined> {
    const [stream] = this.#keys.events
    return eventsOf(await this.#link.send(stream, ['XREVRANGE', stream, '+', '-', 'COUNT', '1']))[0]
  }

  /** By kind it reads on, a thousand events at a time, until it has enough. */
  async read({ after = 0, kind, limit }: EventQuery): Promise<readonly StoredEvent[]> {
    const found: StoredEvent[] = []
    const count = kind === undefined ? limit : page
    for (let last = after; ; ) {
      const events = await this.#readOn(last, count)
      for (const event of events) if ((kind === undefined || event.kind === kind) && found.length < limit) found.push(event)
      if (found.length >= limit || events.length < count) return found
      last = events.at(-1)?.sequence ?? last
    }
  }

  async sweep(before: Instant, limit: number): Promise<number> {
    return Number(await this.#run(sweep, this.#keys.events, [String(before), String(limit)]))
  }

  async #readOn(after: number, count: number): Promise<StoredEvent[]> {
    const [stream] = this.#keys.events
    return eventsOf(await this.#link.send(stream, ['XRANGE', stream, `${after + 1}-0`, '+', 'COUNT', String(count)]))
  }

  #run(script: Script, keys: readonly [string, ...string[]], args: readonly string[]): Promise<unknown> {
    return runScript((command) => this.#link.send(keys[0], command), script, keys, args)
  }
}

function eventsOf(answer: unknown): StoredEvent[] {
  if (!Array.isArray(answer)) throw new TypeError('Redis answered a range of events with something else')
  return answer.map(eventOf)
}

function eventOf(event: unknown): StoredEvent {
  const [id, fields] = event as [string, readonly string[]]
  const [, at, , kind, , data, , hash = '', , previous = ''] = fields
  if (at === undefined || kind === undefined || data === undefined) throw new Error('a stored event is damaged')
  return {
    sequence: Number.parseInt(id, 10),
    at: Number(at),
    kind,
    data: JSON.parse(data) as { [key: string]: JsonValue },
    hash,
    previous,
  }
}
