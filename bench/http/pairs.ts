/**
 * Paired runs: the bare framework and the contestant alternate in short runs under the same requests, so that what
 * else the machine does hits both. What counts is the ratio within a pair.
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
  /** Contestant's requests per second over the bare framework's. */
  readonly ratio: Spread
  /** The same by CPU time of the server process per request: less moved by other work on the machine. */
  readonly cpuRatio: Spread
  /** Requests per second. */
  readonly perSecond: Spread
  readonly barePerSecond: Spread
  /** CPU time of the server process that a request costs more than on the bare framework, microseconds. */
  readonly addedCpu: Spread
  /** 99th percentile of latency, ms. */
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
  /** Pairs measured before: the order alternates through all of them. */
  readonly from: number
}

async function runPairs(bare: Server, candidate: Server, { requests, pairs, from }: Turn, effort: HttpEffort): Promise<Pair[]> {
  await warmUp(bare, requests, effort)
  await warmUp(candidate, requests, effort)
  const measured: Pair[] = []
  for (let pair = from; pair < from + pairs; pair += 1) {
    // Whoever comes second finds a warmer or a more tired machine.
    const first = pair % 2 === 0 ? bare : candidate
    const one = await measure(first, requests, effort)
    const other = await measure(first === bare ? candidate : bare, requests, effort)
    measured.push(first === bare ? [one, other] : [other, one])
  }
  return measured
}

/** Starts both servers, in either order, and stops them whatever happens. */
async function launch(starts: readonly (() => Promise<Server>)[], run: (servers: Server[]) => Promise<Pair[]>): Promise<Pair[]> {
  const servers: Server[] = []
  try {
    for (const start of starts) servers.push(await start())
    return await run(servers)
  } finally {
    await Promise.all(servers.map(({ child }) => child.stop()))
  }
}

async function pairsOf(bare: Contestant, candidate: Contestant, folder: string, effort: HttpEffort): Promise<Pair[]> {
  const all: Pair[] = []
  const requests = `${folder}/requests`
  const startBare = () => startServer(bare, folder, { ...effort, flags: [] })
  const startCandidate = () => startServer(candidate, folder, effort)
  const measure = async (base: Server, own: Server, pairs: number) => {
    await writeRequests(own.port, candidate, effort.sessions, requests)
    return runPairs(base, own, { requests, pairs, from: all.length }, effort)
  }
  for (let left = effort.launches; left > 0; left -= 1) {
    const pairs = Math.ceil((effort.pairs - all.length) / left)
    if (pairs <= 0) break
    const bareFirst = left % 2 === 1
    const measured = await launch(bareFirst ? [startBare, startCandidate] : [startCandidate, startBare], async ([one, other]) => {
      if (one === undefined || other === undefined) throw new Error('a server is missing')
      return bareFirst ? measure(one, other, pairs) : measure(other, one, pairs)
    })
    all.push(...measured)
  }
  return all
}

/** Runs the pairs and gives their spreads. Throws when a server answers wrongly or a request fails. */
export async function compare(bare: Contestant, candidate: Contestant, folder: string, effort: HttpEffort): Promise<PairResult> {
  const pairs = await pairsOf(bare, candidate, folder, effort)
  return {
    framework: candidate.framework,
    kind: candidate.kind,
    ratio: spreadOf(pairs.map(([b, c]) => c.perSecond / b.perSecond)),
    cpuRatio: spreadOf(pairs.map(([b, c]) => b.cpu / c.cpu)),
    perSecond: spreadOf(pairs.map(([, c]) => c.perSecond)),
    barePerSecond: spreadOf(pairs.map(([b]) => b.perSecond)),
    addedCpu: spreadOf(pairs.map(([b, c]) => c.cpu - b.cpu)),
    p99: spreadOf(pairs.map(([, c]) => c.p99)),
    bareP99: spreadOf(pairs.map(([b]) => b.p99)),
  }
}
