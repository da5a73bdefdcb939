/**
 * Paired runs: the bare framework and the contestant serve the same requests at the same time, on one core that the
 * system shares out between them every few milliseconds, so that what else the machine does hits both. What counts is how
 * many requests each answers in a second of its own CPU time. Run one after the other, the same server differed by a third
 * from itself on a busy machine; side by side it differs by a percent.
 */
import { type Child, startChild } from '../shared/child.ts'
import { type Spread, spreadOf } from '../shared/statistics.ts'
import type { Contestant } from './contestants.ts'
import { writeRequests } from './requests.ts'
import { type Run, runWrk } from './wrk.ts'

export interface HttpEffort {
  readonly pairs: number
  /** Times that both servers are started anew: a process keeps the luck of its start, some percent either way. */
  readonly launches: number
  /** Length of one run, whole seconds. */
  readonly seconds: number
  /**
   * Requests that a server answers before those that count. V8 compiles what serves a request in steps, until about
   * 45,000 requests (`--trace-opt`); on one core the compiler takes the server's time meanwhile, more of it the more code there is.
   */
  readonly warmUpRequests: number
  readonly sessions: number
  /** Flags for the contestant's server process, such as those of the profiler. */
  readonly flags: readonly string[]
  /** Server on the first, load on the second; absent: not pinned. */
  readonly cpus: readonly [number, number] | undefined
}

export interface PairResult {
  readonly framework: string
  readonly kind: string
  /** Contestant's requests per second of a core over the bare framework's, side by side. */
  readonly ratio: Spread
  /** CPU time of the server process that a request costs more than on the bare framework, microseconds. */
  readonly addedCpu: Spread
  /** With the core to itself, once for each launch: requests per second over the bare framework's. */
  readonly aloneRatio: Spread
  readonly perSecond: Spread
  readonly barePerSecond: Spread
  /** 99th percentile of latency alone, ms. */
  readonly p99: Spread
  readonly bareP99: Spread
}

interface Server {
  readonly child: Child
  readonly port: number
}

async function startServer({ server: [file, name] }: Contestant, folder: string, effort: HttpEffort): Promise<Server> {
  const child = startChild(new URL('./main.ts', import.meta.url), [file, name, folder], {
    cpu: effort.cpus?.[0],
    flags: effort.flags,
  })
  try {
    return { child, port: Number(await child.next()) }
  } catch (error) {
    await child.stop()
    throw error
  }
}

function load({ port }: Server, requests: string, { seconds, cpus }: HttpEffort): Promise<Run> {
  return runWrk({ port, requests, seconds, cpu: cpus?.[1] })
}

interface Measured extends Run {
  /** Microseconds of CPU time per request. */
  readonly cpu: number
}

async function cpuTime({ child }: Server): Promise<number> {
  const { user, system } = (await child.ask('cpu')) as NodeJS.CpuUsage
  return user + system
}

async function measure(server: Server, requests: string, effort: HttpEffort): Promise<Measured> {
  const before = await cpuTime(server)
  const run = await load(server, requests, effort)
  return { ...run, cpu: ((await cpuTime(server)) - before) / run.requests }
}

type Pair = readonly [bare: Measured, candidate: Measured]

/** What the launches of two servers gave. */
interface Pairs {
  readonly together: readonly Pair[]
  readonly alone: readonly Pair[]
}

/** Runs before those that count, at most: a slow peer has been compiled by then, too. */
const warmUpRuns = 10

async function warmUp(server: Server, requests: string, effort: HttpEffort): Promise<void> {
  let answered = 0
  for (let run = 0; run < warmUpRuns && answered < effort.warmUpRequests; run += 1) {
    answered += (await load(server, requests, effort)).requests
  }
}

interface Turn {
  readonly requests: string
  readonly pairs: number
  /** Whoever comes second finds a warmer or a more tired machine. */
  readonly bareFirst: boolean
}

async function runPairs(
  bare: Server,
  candidate: Server,
  { requests, pairs, bareFirst }: Turn,
  effort: HttpEffort,
): Promise<Pairs> {
  const inTurn = async (run: (server: Server) => Promise<Measured>): Promise<Pair> => {
    const first = await run(bareFirst ? bare : candidate)
    const second = await run(bareFirst ? candidate : bare)
    return bareFirst ? [first, second] : [second, first]
  }
  await warmUp(bare, requests, effort)
  await warmUp(candidate, requests, effort)
  const alone = [await inTurn((server) => measure(server, requests, effort))]
  const together: Pair[] = []
  for (let pair = 0; pair < pairs; pair += 1) {
    together.push(await Promise.all([measure(bare, requests, effort), measure(candidate, requests, effort)]))
  }
  return { together, alone }
}

/** Starts both servers, in either order, and stops them whatever happens. */
async function launch(starts: readonly (() => Promise<Server>)[], run: (servers: Server[]) => Promise<Pairs>): Promise<Pairs> {
  const servers: Server[] = []
  try {
    for (const start of starts) servers.push(await start())
    return await run(servers)
  } finally {
    await Promise.all(servers.map(({ child }) => child.stop()))
  }
}

async function pairsOf(bare: Contestant, candidate: Contestant, folder: string, effort: HttpEffort): Promise<Pairs> {
  const together: Pair[] = []
  const alone: Pair[] = []
  const requests = `${folder}/requests`
  const startBare = () => startServer(bare, folder, { ...effort, flags: [] })
  const startCandidate = () => startServer(candidate, folder, effort)
  for (let left = effort.launches; left > 0; left -= 1) {
    const pairs = Math.ceil((effort.pairs - together.length) / left)
    if (pairs <= 0) break
    const bareFirst = left % 2 === 1
    const measured = await launch(bareFirst ? [startBare, startCandidate] : [startCandidate, startBare], async ([one, other]) => {
      if (one === undefined || other === undefined) throw new Error('a server is missing')
      const [base, own] = bareFirst ? [one, other] : [other, one]
      await writeRequests(own.port, candidate, effort.sessions, requests)
      return runPairs(base, own, { requests, pairs, bareFirst }, effort)
    })
    together.push(...measured.together)
    alone.push(...measured.alone)
  }
  return { together, alone }
}

/** Runs the pairs and gives their spreads. Throws when a server answers wrongly or a request fails. */
export async function compare(bare: Contestant, candidate: Contestant, folder: string, effort: HttpEffort): Promise<PairResult> {
  const { together, alone } = await pairsOf(bare, candidate, folder, effort)
  return {
    framework: candidate.framework,
    kind: candidate.kind,
    ratio: spreadOf(together.map(([b, c]) => b.cpu / c.cpu)),
    addedCpu: spreadOf(together.map(([b, c]) => c.cpu - b.cpu)),
    aloneRatio: spreadOf(alone.map(([b, c]) => c.perSecond / b.perSecond)),
    perSecond: spreadOf(alone.map(([, c]) => c.perSecond)),
    barePerSecond: spreadOf(alone.map(([b]) => b.perSecond)),
    p99: spreadOf(alone.map(([, c]) => c.p99)),
    bareP99: spreadOf(alone.map(([b]) => b.p99)),
  }
}
