/** The load: callers who do anything at any node, and witnesses who end a session and then ask every node for it. */
import { setTimeout as pause } from 'node:timers/promises'
import { Journal, type Known } from './journal.ts'
import type { Node } from './nodes.ts'
import { tokenGrace } from './order.ts'
import { seeded } from './random.ts'

const callers = 8
const witnesses = 4
const subjects = 12
/** Of the sessions and the ended ones that callers choose from: the latest. */
const recent = 80
/** What is not acknowledged in time is repeated by the engine, and proves nothing: one of these will be. */
const victimsAtOnce = 3
/** Between two crowds, in ms. */
const betweenCrowds = 2500

export interface Victim {
  readonly session: string
  revoke(): Promise<void>
  /** Has a node check it, which then remembers it; after the revocation it must not. */
  check(node: number): Promise<void>
}

export interface LoadOptions {
  readonly nodes: readonly Node[]
  readonly seed: number
  readonly bound: number
  /** Whether subjects and everyone are ended too, which empties the memory of the node that is asked. */
  readonly endsMany: boolean
}

export class Load {
  readonly journal: Journal
  readonly #options: LoadOptions
  readonly #nodes: readonly Node[]
  readonly #random: () => number
  #isOver = false
  /** False while a fault is on: an end of everyone would hide that another end was forgotten. */
  endsMany: boolean

  constructor(options: LoadOptions) {
    this.#options = options
    this.#nodes = options.nodes
    this.journal = new Journal(options.nodes)
    this.endsMany = options.endsMany
    this.#random = seeded(options.seed)
  }

  async run(): Promise<void> {
    const calling = Array.from({ length: callers }, () => this.#call())
    const watching = Array.from({ length: witnesses }, (_, at) => this.#witness(`witness-${at}`))
    await Promise.all([...calling, ...watching, this.#crowd()])
  }

  stop(): void {
    this.#isOver = true
  }

  /** Sessions of one subject that the first node can end while a fault is on its way, and that no caller knows. */
  async victim(): Promise<Victim> {
    const { journal } = this
    const victims: Known[] = []
    // On a busy machine even a healthy store may miss the deadline.
    for (let tries = 0; victims.length < victimsAtOnce && tries < 50; tries += 1) {
      const known = await journal.issue(0, 'unlucky', false)
      if (known === undefined) await pause(50)
      else victims.push(known)
    }
    const [first] = victims
    if (first === undefined) throw new Error('the first node must be well when the fault begins')
    const revoke = async () => void (await Promise.all(victims.map((victim) => journal.revoke(0, victim))))
    const check = async (at: number) =>
      void (await Promise.all(victims.map((victim) => journal.check(at, victim, victim.token, false))))
    return { session: first.session, revoke, check }
  }

  /** Whether every node records and reads again, and none revives what was ended since `since`. */
  async isWell(since: number): Promise<boolean> {
    const ended = new Set(
      this.journal.history.flatMap((operation) =>
        operation.did === 'end' && operation.safe !== 'replicated' && operation.to >= since ? operation.ended : [],
      ),
    )
    const dead = this.journal.ended.filter(({ session }) => ended.has(session))
    for (const [at, node] of this.#nodes.entries()) {
      if ((await this.journal.issue(at, 'well')) === undefined) return false
      for (const { token } of dead) {
        const { status } = (await node.ask({ do: 'verify', token, fresh: true })) as { status: string }
        if (status !== 'dead') return false
      }
    }
    return true
  }

  async #call(): Promise<void> {
    while (!this.#isOver) {
      await this.#step()
      await pause(1)
    }
  }

  /** Nodes that have just seen a session live are asked for it at once after its end, and beyond the bound. */
  async #witness(subject: string): Promise<void> {
    const { journal } = this
    const everywhere = (known: Known) => Promise.all(this.#nodes.map((_, at) => journal.check(at, known, known.token, false)))
    while (!this.#isOver) {
      const known = await journal.issue(this.#someNode(), subject)
      if (known !== undefined) {
        await everywhere(known)
        await journal.revoke(this.#someNode(), known)
        await everywhere(known)
      }
      await pause(this.#options.bound + 20)
      if (known !== undefined) await everywhere(known)
    }
  }

  async #crowd(): Promise<void> {
    for (let number = 0; !this.#isOver; number += 1) {
      await this.journal.crowd(`crowd-${number}`)
      for (let waited = 0; waited < betweenCrowds && !this.#isOver; waited += 100) await pause(100)
    }
  }

  #pick<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(this.#random() * list.length)]
  }

  #someNode(): number {
    return Math.floor(this.#random() * this.#nodes.length)
  }

  #step(): Promise<unknown> {
    const { journal } = this
    const node = this.#someNode()
    const subject = `subject-${Math.floor(this.#random() * subjects)}`
    const some = this.#pick(journal.known.slice(-recent))
    if (some === undefined) return journal.issue(node, subject)
    const ended = this.#pick(journal.ended.slice(-recent)) ?? some
    const carried = this.#pick(journal.known.slice(-recent).filter(({ refreshToken }) => refreshToken !== null)) ?? some
    const steps: readonly (readonly [weight: number, step: () => Promise<unknown>])[] = [
      [40, () => journal.issue(node, subject)],
      [20, () => journal.issueTokens(node, subject)],
      [10, () => journal.visit(node, subject)],
      [30, () => journal.revoke(node, some)],
      // Rare: each makes the node that is asked forget all that it remembers, and there would be nothing to be stale.
      [this.endsMany ? 2 : 0, () => journal.endSubject(node, subject)],
      [this.endsMany ? 0.5 : 0, () => journal.everyoneOut(node)],
      [20, () => journal.regenerate(node, some)],
      [20, () => journal.useTicket(node, some)],
      [45, () => journal.refresh(node, carried)],
      [15, () => journal.refresh(node, ended)],
      [10, () => journal.replay(node, carried, performance.now() - 2 * tokenGrace)],
      [200, () => journal.check(node, ended, this.#tokenOf(ended), false)],
      [500, () => journal.check(node, some, this.#tokenOf(some), false)],
      [90, () => journal.check(node, some, this.#tokenOf(some), true)],
    ]
    let dice = this.#random() * steps.reduce((sum, [weight]) => sum + weight, 0)
    const chosen = steps.find(([weight]) => {
      dice -= weight
      return dice < 0
    })
    return chosen === undefined ? journal.issue(node, subject) : chosen[1]()
  }

  /** A replaced secret must stay as dead as the session of a revoked one. */
  #tokenOf({ token, tokens }: Known): string {
    return (this.#random() < 0.2 ? this.#pick(tokens) : token) ?? token
  }
}
