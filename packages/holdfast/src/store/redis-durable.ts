/**
 * Revocations on connections of their own, followed by WAIT: its answer says whether a replica has them, so that they
 * outlive the primary. WAIT holds up its connection, which is why checks go over another.
 */
import { checkOptions, type OptionTypes } from './arguments.ts'
import { commandOptions, type Link } from './redis-client.ts'
import { checkPrimary, OwnConnections } from './redis-connection.ts'
import { slotOf } from './redis-keys.ts'
import { type Job, ReplicatedLane } from './redis-lane.ts'
import type { Script } from './redis-lua.ts'
import { runScript } from './redis-runner.ts'

export interface Durability {
  /**
   * Replicas that must have a revocation for it to count as durable. 0: it never does. Default 1. Where a primary has
   * several, and may be put down while it still takes writes, only all of them leave none to take over without it.
   */
  readonly replicas?: number
  /** How long to wait for them, in ms: 1 to 1000. Default 100. */
  readonly timeoutMs?: number
  /**
   * `accept`: a revocation that is not durable is reported as such. `refuse`: it is a fault, though the primary has
   * recorded it; the caller repeats it. Default `accept`.
   */
  readonly whenNotDurable?: 'accept' | 'refuse'
}

export interface Written {
  readonly reply: unknown
  readonly durable: boolean
}

const optionTypes: OptionTypes<Durability> = { replicas: 'number', timeoutMs: 'number', whenNotDurable: 'text' }

const overrides = {
  RESP: 3,
  emitInvalidate: false,
  clientSideCache: undefined,
  disableOfflineQueue: true,
  maintNotifications: 'disabled',
  commandOptions,
} as const

/** The script did nothing: the server is not, or not yet, the one to ask. */
const elsewhere = /^(?:MOVED|ASK|CLUSTERDOWN|READONLY|TRYAGAIN)\b/

export class DurableWriter {
  readonly #link: Link
  readonly #durability: Required<Durability>
  readonly #connections: OwnConnections
  readonly #lanes: Map<string, ReplicatedLane> = new Map()

  constructor(link: Link, durability: Durability) {
    checkOptions(durability, optionTypes, 'durability.')
    const { replicas = 1, timeoutMs = 100, whenNotDurable = 'accept' } = durability
    if (!Number.isInteger(replicas) || replicas < 0) throw new RangeError('durability.replicas must be an integer from 0')
    if (!(timeoutMs >= 1 && timeoutMs <= 1000)) throw new RangeError('durability.timeoutMs must be from 1 to 1000')
    if (whenNotDurable !== 'accept' && whenNotDurable !== 'refuse') {
      throw new RangeError('durability.whenNotDurable must be accept or refuse')
    }
    this.#link = link
    this.#durability = { replicas, timeoutMs, whenNotDurable }
    this.#connections = new OwnConnections({
      link,
      overrides,
      prepare: async (connection, name) => {
        await checkPrimary(connection)
        this.#lanes.set(name, new ReplicatedLane(connection, replicas, timeoutMs))
      },
    })
  }

  /** All keys share the hash tag of `shard`. */
  async run(shard: string, script: Script, keys: readonly [string, ...string[]], args: readonly string[]): Promise<Written> {
    const job: Job = { script, keys, args }
    const lane = this.#laneFor(shard)
    const written = lane === undefined ? undefined : await this.#runIn(lane, job)
    const result = written ?? { reply: await this.#runPlainly(job), durable: false }
    if (this.#durability.whenNotDurable === 'refuse' && !result.durable) {
      throw new Error('the revocation is recorded, but not by as many Redis replicas as asked for')
    }
    return result
  }

  /** Opens the connections before they are needed. */
  start(): void {
    if (this.#durability.replicas > 0) this.#connections.follow()
  }

  stop(): void {
    this.#connections.stop()
  }

  #laneFor(shard: string): ReplicatedLane | undefined {
    if (this.#durability.replicas === 0) return undefined
    this.#connections.follow()
    const name = this.#link.primaryOf(slotOf(shard))
    return name === undefined || this.#connections.to(name) === undefined ? undefined : this.#lanes.get(name)
  }

  #runPlainly({ script, keys, args }: Job): Promise<unknown> {
    return runScript((command) => this.#link.send(keys[0], command), script, keys, args)
  }

  /** Undefined when that server turns out to be the wrong one. */
  async #runIn(lane: ReplicatedLane, job: Job): Promise<Written | undefined> {
    try {
      return await lane.run(job)
    } catch (fault) {
      if (fault instanceof Error && elsewhere.test(fault.message)) return undefined
      throw fault
    }
  }
}
