/**
 * Everyone-outs. Each shard has an epoch of its own, so that in a Cluster a check reads it in the slot that it asks anyway.
 *
 * Where one server holds all keys, all shards are written in one step, and with them a stamp: a digest of what they all say
 * and of the stamp before. Whoever finds the same stamp again knows what the shards say, also after a failover that forgot a
 * step, because it took the stamp back as well. So checks read the stamp, once for all that travel together, instead of a
 * second key for each session.
 */
import type { Link } from './redis-client.ts'
import type { DurableWriter } from './redis-durable.ts'
import { inWaves, type RedisKeys, shards } from './redis-keys.ts'
import { type EveryoneOut, packRevocation, unpackEveryoneOut } from './redis-record.ts'
import { runScript } from './redis-runner.ts'
import { scripts } from './redis-scripts.ts'
import type { Revocation } from './store.ts'

export interface Epochs {
  /** What each shard has reached. */
  readonly epochs: ReadonlyMap<string, number>
  readonly durable: boolean
}

export interface EpochsOptions {
  readonly link: Link
  readonly keys: RedisKeys
  readonly writer: DurableWriter
}

/** The epoch that a shard is to reach at least; '' for one more than it has. */
export type AtLeast = (shard: string) => string

/** Acknowledged only when all shards have it. */
export function raiseEpochs(options: EpochsOptions, revocation: Revocation, atLeast: AtLeast): Promise<Epochs> {
  const raise = options.link.mode === 'cluster' ? raiseEach : raiseAll
  return raise(options, packRevocation(revocation), atLeast)
}

async function raiseEach({ keys, writer }: EpochsOptions, revocation: string, atLeast: AtLeast): Promise<Epochs> {
  const write = (shard: string) => writer.run(shard, scripts.everyone, [keys.everyone(shard)], [revocation, atLeast(shard)])
  // Wide, as each wave waits for the replicas once.
  const written = await inWaves(shards, write, 1024)
  return { epochs: epochsIn(written.map(({ reply }) => reply)), durable: written.every(({ durable }) => durable) }
}

async function raiseAll({ keys, writer }: EpochsOptions, revocation: string, atLeast: AtLeast): Promise<Epochs> {
  const args = [revocation, ...shards.map(atLeast)]
  const { reply, durable } = await writer.run('', scripts.everyoneAtOnce, allKeys(keys), args)
  if (!Array.isArray(reply)) throw new TypeError('Redis answered a script with something else')
  return { epochs: epochsIn(reply), durable }
}

/** The stamp's first. */
const allKeys = (keys: RedisKeys): [string, ...string[]] => [keys.stamp, ...shards.map(keys.everyone, keys)]

function epochsIn(replies: readonly unknown[]): ReadonlyMap<string, number> {
  return new Map(shards.map((shard, at) => [shard, Number(replies[at])]))
}

/** Null on a server that has seen none. */
export type Stamp = unknown

/** What their keys say, by shard; those that were never put out have none. Text: a damaged one concerns its own shard only. */
export type EveryoneOuts = ReadonlyMap<string, string>

interface Reading {
  readonly stamp: Stamp
  readonly outs: EveryoneOuts
}

/** What this node has read of all shards of one server. */
export class StampedOuts {
  readonly #link: Link
  readonly #keys: RedisKeys
  #latest: Reading | undefined
  #reading: Promise<Reading> | undefined

  constructor(link: Link, keys: RedisKeys) {
    this.#link = link
    this.#keys = keys
  }

  /** All that go with this stamp; undefined when they are yet to be read. */
  under(stamp: Stamp): EveryoneOuts | undefined {
    const latest = this.#latest
    return latest !== undefined && latest.stamp === stamp ? latest.outs : undefined
  }

  /** Reads them: as of the moment that this stamp was read, or later. */
  async read(stamp: Stamp): Promise<EveryoneOuts> {
    const shared = await this.#reading?.catch(() => undefined)
    // One that was sent before may be older than the stamp.
    if (shared !== undefined && shared.stamp === stamp) return shared.outs
    const own = this.#ask()
    this.#reading = own
    try {
      const reading = await own
      this.#latest = reading
      return reading.outs
    } finally {
      if (this.#reading === own) this.#reading = undefined
    }
  }

  async #ask(): Promise<Reading> {
    const keys = allKeys(this.#keys)
    const answer = await this.#link.send(keys[0], ['MGET', ...keys])
    if (!Array.isArray(answer)) throw new TypeError('Redis answered MGET with something else')
    const [stamp, ...texts] = answer
    const outs = new Map<string, string>()
    shards.forEach((shard, at) => {
      const out: unknown = texts[at]
      if (typeof out === 'string') outs.set(shard, out)
    })
    if (stamp !== null || outs.size === 0) return { stamp, outs }
    await this.#putStamp(keys)
    return { stamp: undefined, outs }
  }

  /** For data that was brought over from a Cluster, which has no stamp. The next check reads it. */
  async #putStamp(keys: readonly string[]): Promise<void> {
    const raisingNone = ['', ...shards.map(() => '0')]
    // A server that takes no writes: all is read again at each check.
    await runScript((command) => this.#link.send(keys[0] ?? '', command), scripts.everyoneAtOnce, keys, raisingNone).catch(ignore)
  }
}

const ignore = (): void => undefined

/** What a shard's key says. */
export function everyoneOutIn(text: unknown): EveryoneOut | undefined {
  return typeof text === 'string' ? unpackEveryoneOut(text) : undefined
}
