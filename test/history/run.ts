/** One run: three nodes on one store, a seeded random load, and faults one after another. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Outage, type Violation, violations } from './history.ts'
import { Load, type Victim } from './load.ts'
import { type Node, startNode } from './nodes.ts'
import type { Backend, Defence, Order } from './order.ts'

/** The stated bound, in ms: a third of what comes by default, so that less than that is found. */
export const bound = 300
/** What each node's clock is ahead, in ms. */
const offsets = [0, 350, -350]
/** How long a write may take to reach every server, in ms. */
const lag = 500

/** For each node: nodes may come to the store by ways of their own. */
export type Backends = readonly [Backend, Backend, Backend]

export interface Fault {
  readonly what: string
  /**
   * `latest`: a server that takes over may lack what was recorded and is not durable. `durable`: for a while there are
   * two primaries, so that it may lack also what a replica of the other one has. `everything`: the server is emptied.
   */
  readonly forgets?: 'latest' | 'durable' | 'everything'
  /** `victim`: a session that every server has, to be ended while the fault is on its way. */
  run(victim: Victim, nodes: readonly Node[]): Promise<unknown>
}

export interface RunOptions {
  readonly backends: Backends
  readonly faults: Iterable<Fault>
  readonly seed: number
  /** Of undisturbed load before, between and after faults, in ms. */
  readonly calm: number
  /** A negative control: what the second node does without, or all of them where it takes all. */
  readonly without?: Defence | undefined
  /** How long recovery may take, in ms. Default 20 s, for a busy machine. */
  readonly patience?: number
  /** Ends the run, and its nodes, before its time. */
  readonly signal?: AbortSignal
}

export interface RunReport {
  readonly operations: number
  readonly counts: Readonly<Record<string, number>>
  /** Checks that the nodes answered from what they remembered. */
  readonly remembered: number
  readonly faults: readonly string[]
  /** Of these the nodes did not recover, or did not assert again what was lost. */
  readonly unsettled: readonly string[]
  readonly violations: readonly Violation[]
  /** Null where the nodes have not recovered: then they need not answer. */
  readonly contests: Contests | null
}

/** Of things that 64 callers at three nodes want at once, how many had them. */
export interface Contests {
  readonly live: number
  readonly taken: number
  readonly promoted: number
  /** Different successors of one refresh token: in the grace window all get the same. */
  readonly successors: number
}

export async function runHistory(options: RunOptions): Promise<RunReport> {
  const { backends, faults, seed, calm, without, patience = 20_000, signal } = options
  const nodes = await startNodes(backends, without)
  const endsMany = without === undefined || without === 'reassertion'
  const load = new Load({ nodes, seed, bound, endsMany })
  const loading = load.run()
  const giveUp = () => {
    load.stop()
    void stopNodes(nodes)
  }
  signal?.addEventListener('abort', giveUp)
  try {
    const outages: Outage[] = []
    const happened: string[] = []
    const unsettled: string[] = []
    await pause(calm, undefined, { signal })
    for (const { what, run, forgets } of faults) {
      signal?.throwIfAborted()
      load.endsMany = false
      const victim = await load.victim()
      await pause(lag)
      const from = performance.now() - lag
      await run(victim, nodes)
      if (!(await settles(load, from, patience, signal))) unsettled.push(what)
      load.endsMany = endsMany
      happened.push(what)
      if (forgets !== undefined) {
        outages.push({ from, to: performance.now(), isSplit: forgets === 'durable', isEmptied: forgets === 'everything' })
      }
      await pause(calm, undefined, { signal })
    }
    load.stop()
    await loading
    const { history, counts } = load.journal
    const stats = await Promise.all(nodes.map((node) => node.ask({ do: 'stats' })))
    return {
      operations: Object.entries(counts).reduce((sum, [what, count]) => (what.includes(':') ? sum : sum + count), 0),
      counts,
      remembered: stats.reduce((sum, { cache }) => sum + cache.hits, 0),
      faults: happened,
      unsettled,
      violations: violations(history, bound, outages),
      contests: unsettled.length > 0 ? null : await contest(nodes),
    }
  } finally {
    signal?.removeEventListener('abort', giveUp)
    load.stop()
    await loading
    await stopNodes(nodes)
  }
}

async function settles(load: Load, since: number, patience: number, signal: AbortSignal | undefined): Promise<boolean> {
  for (const until = performance.now() + patience; performance.now() < until; await pause(20, undefined, { signal }))
    if (await load.isWell(since)) return true
  return false
}

/** Whoever revoked asserts it again, so that all must fail to; a deaf node is found beside two that hear. */
function weaknessOf(at: number, without: Defence | undefined): Defence | undefined {
  return without === 'reassertion' || at === 1 ? without : undefined
}

async function startNodes(backends: Backends, without?: Defence): Promise<Node[]> {
  const starting = backends.map((backend, at) =>
    startNode({ backend, bound, offset: offsets[at] ?? 0, without: weaknessOf(at, without) }),
  )
  const started = await Promise.allSettled(starting)
  const nodes = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  if (nodes.length === backends.length) return nodes
  await stopNodes(nodes)
  throw new Error('a node did not start')
}

async function stopNodes(nodes: readonly Node[]): Promise<void> {
  await Promise.all(nodes.map((node) => node.stop()))
}

/** Things that one of many wins, or as many as the cap, however many nodes they ask. */
async function contest(nodes: readonly Node[]): Promise<Contests> {
  const each = <T>(order: Order) => Promise.all(Array.from({ length: 64 }, (_, at) => nodes[at % 3]?.ask(order) as Promise<T>))
  const [first] = nodes
  await each({ do: 'issue', subject: 'everywhere' })
  await first?.ask({ do: 'put', ticket: 'ticket' })
  const taken = await each<boolean>({ do: 'take', ticket: 'ticket' })
  const visitor = await first?.ask({ do: 'issueAnonymous' })
  const promoted = await each<object | null>({ do: 'promote', session: visitor.session.id, subject: 'visitor' })
  const pair = await first?.ask({ do: 'issueTokens', subject: 'client' })
  const refreshed = await each<{ refreshToken?: string }>({ do: 'refresh', token: pair.refreshToken })
  return {
    successors: new Set(refreshed.map(({ refreshToken }) => refreshToken)).size,
    live: await first?.ask({ do: 'live', subject: 'everywhere' }),
    taken: taken.filter((won) => won).length,
    promoted: promoted.filter((won) => won !== null).length,
  }
}
