/** How checks read sessions: alone where each slot is asked on its own, together where one server holds all keys. */
import type { Link } from './redis-client.ts'
import { type EveryoneOuts, everyoneOutIn, StampedOuts } from './redis-everyone.ts'
import { type RedisKeys, shardOf } from './redis-keys.ts'
import type { EveryoneOut } from './redis-record.ts'
import type { SessionId } from './store.ts'
import { eventLoopTurn } from './turn.ts'

/**
 * What the open sessions of a slot tag, and the everyone-out of its shard, mean. Called as they arrive: a promise of its own for
 * that costs more than most of them do.
 */
export type Decode<T> = (open: unknown, out: EveryoneOut | undefined) => T | Promise<T>

export interface Lookups {
  /** Both as of one moment, or the everyone-out as of a later one. */
  read<T>(id: SessionId, decode: Decode<T>): Promise<T>
}

export interface LookupsOptions {
  readonly link: Link
  readonly keys: RedisKeys
  /** Lookups that may wait for an answer at once; more are a fault at once. */
  readonly maxInFlight: number
}

export function lookupsOf(options: LookupsOptions): Lookups {
  return options.link.mode === 'cluster' ? new LoneLookups(options) : new GatheredLookups(options)
}

class LoneLookups implements Lookups {
  readonly #link: Link
  readonly #keys: RedisKeys

  constructor({ link, keys }: LookupsOptions) {
    this.#link = link
    this.#keys = keys
  }

  async read<T>(id: SessionId, decode: Decode<T>): Promise<T> {
    const open = this.#keys.open(id)
    const answer = await this.#link.send(open, ['MGET', open, this.#keys.everyone(id)])
    if (!Array.isArray(answer)) throw new TypeError('Redis answered MGET with something else')
    return decode(answer[0], everyoneOutIn(answer[1]))
  }
}

interface Waiting {
  readonly id: SessionId
  readonly decode: Decode<unknown>
  readonly resolve: (found: unknown) => void
  readonly reject: (fault: unknown) => void
}

/** More go in several commands, so that none holds up the server for long. */
const mostTogether = 256

/** Lookups of one turn of the event loop, sent as one command or two, each with the stamp of the everyone-outs. */
export class GatheredLookups implements Lookups {
  readonly #options: LookupsOptions
  readonly #outs: StampedOuts
  #waiting: Waiting[] = []
  #inFlight = 0
  /** Whether some of this turn were sent already, and the rest of them will be at its end. */
  #isGathering = false

  constructor(options: LookupsOptions) {
    this.#options = options
    this.#outs = new StampedOuts(options.link, options.keys)
  }

  read<T>(id: SessionId, decode: Decode<T>): Promise<T> {
    const { maxInFlight } = this.#options
    if (this.#inFlight >= maxInFlight) {
      return Promise.reject(new Error(`more than ${maxInFlight} Redis commands wait for an answer`))
    }
    this.#inFlight += 1
    return new Promise<unknown>((resolve, reject) => {
      this.#waiting.push({ id, decode, resolve, reject })
      if (this.#waiting.length === mostTogether) this.#send()
      else if (!this.#isGathering) void this.#gather()
    }) as Promise<T>
  }

  /**
   * Callers that were all answered at once ask again within a few steps of each other. Those of other requests come one by
   * one in the rest of the turn: node-redis writes at the end of it, and so the first do not wait for them.
   */
  async #gather(): Promise<void> {
    this.#isGathering = true
    const turn = eventLoopTurn()
    await undefined
    await undefined
    await undefined
    this.#send()
    await turn
    this.#isGathering = false
    this.#send()
  }

  #send(): void {
    const lookups = this.#waiting
    if (lookups.length === 0) return
    this.#waiting = []
    void this.#ask(lookups)
  }

  async #ask(lookups: readonly Waiting[]): Promise<void> {
    const { link, keys } = this.#options
    const command = ['MGET', keys.stamp]
    for (const { id } of lookups) command.push(keys.open(id))
    try {
      const answer = await link.send(keys.stamp, command)
      if (!Array.isArray(answer) || answer.length !== command.length - 1) {
        throw new TypeError('Redis answered MGET with something else')
      }
      const outs = this.#outs.under(answer[0]) ?? (await this.#outs.read(answer[0]))
      lookups.forEach((lookup, at) => {
        answerOne(lookup, answer[at + 1], outs)
      })
    } catch (fault) {
      // Also when it throws at once: every caller gets the fault.
      for (const { reject } of lookups) reject(fault)
    } finally {
      this.#inFlight -= lookups.length
    }
  }
}

/** What is damaged is the fault of its own reader only. */
function answerOne({ id, decode, resolve, reject }: Waiting, open: unknown, outs: EveryoneOuts): void {
  try {
    resolve(decode(open, outs.size === 0 ? undefined : everyoneOutIn(outs.get(shardOf(id)))))
  } catch (fault) {
    reject(fault)
  }
}
