/**
 * Writes on one connection, together: while one batch waits for the replicas the next gathers. A hundred revocations
 * at once cost two waits, not a hundred.
 */
import { commandOptions, type RedisConnection } from './redis-client.ts'
import type { Written } from './redis-durable.ts'
import type { Script } from './redis-lua.ts'
import { runScript } from './redis-runner.ts'

export interface Job {
  readonly script: Script
  readonly keys: readonly [string, ...string[]]
  readonly args: readonly string[]
}

interface Waiting {
  readonly job: Job
  readonly resolve: (written: Written) => void
  readonly reject: (fault: unknown) => void
}

const mostWaiting = 20_000
const batch = 1024

export class ReplicatedLane {
  readonly #connection: RedisConnection
  readonly #replicas: number
  readonly #timeoutMs: number
  #waiting: Waiting[] = []
  #isBusy = false
  /** Not known to have enough replicas: asked for before a wait, which would be in vain and hold up all that follows. */
  #isShort = true

  constructor(connection: RedisConnection, replicas: number, timeoutMs: number) {
    this.#connection = connection
    this.#replicas = replicas
    this.#timeoutMs = timeoutMs
  }

  /** Rejects with the fault of the script, or of the connection. */
  run(job: Job): Promise<Written> {
    if (this.#waiting.length >= mostWaiting) throw new Error(`more than ${mostWaiting} revocations wait for Redis`)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, resolve, reject })
      if (!this.#isBusy) void this.#work()
    })
  }

  async #work(): Promise<void> {
    this.#isBusy = true
    // What is asked for in this turn goes together.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const some = this.#waiting.splice(0, batch)
      const replies = await Promise.allSettled(some.map(({ job }) => this.#send(job)))
      const durable = replies.some(({ status }) => status === 'fulfilled') && (await this.#isReplicated())
      for (const [at, { resolve, reject }] of some.entries()) {
        const reply = replies[at]
        if (reply?.status === 'fulfilled') resolve({ reply: reply.value, durable })
        else reject(reply?.reason)
      }
    }
    this.#isBusy = false
  }

  #send({ script, keys, args }: Job): Promise<unknown> {
    return runScript((command) => this.#connection.sendCommand(command, commandOptions), script, keys, args)
  }

  /** Whether enough replicas have all that this connection wrote. A fault here is a no: the write itself is done. */
  async #isReplicated(): Promise<boolean> {
    try {
      if (this.#isShort && (await this.#countReplicas()) < this.#replicas) return false
      const acknowledged = await this.#ask(['WAIT', String(this.#replicas), String(this.#timeoutMs)])
      this.#isShort = Number(acknowledged) < this.#replicas
      return !this.#isShort
    } catch {
      return false
    }
  }

  async #countReplicas(): Promise<number> {
    const role = await this.#ask(['ROLE'])
    return Array.isArray(role) && Array.isArray(role[2]) ? role[2].length : 0
  }

  #ask(command: readonly string[]): Promise<unknown> {
    return this.#connection.sendCommand(command, commandOptions)
  }
}
