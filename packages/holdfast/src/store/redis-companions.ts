/** What the companions of the session store share: 64 shards, each of one hash tag. */
import { spread } from './redis-keys.ts'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Hash tags of tickets and counters: a constant of the stored format. */
export const companionShards: readonly string[] = [...alphabet]

export const companionShardOf = (key: string): string => spread(key).slice(0, 1)

/** Visits the shards one after the other, from where the last visit ended, until `limit` are done. */
export class Rounds {
  #next = 0

  async run(limit: number, visit: (shard: string, limit: number) => Promise<number>): Promise<number> {
    let done = 0
    for (let visited = 0; visited < companionShards.length && done < limit; visited += 1) {
      done += await visit(companionShards[this.#next] ?? '', limit - done)
      if (done < limit) this.#next = (this.#next + 1) % companionShards.length
    }
    return done
  }
}
