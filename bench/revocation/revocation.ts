/** Part `revocation`: how long after an acknowledged revocation another node, under load, still lets the session in. */
import { contestants } from '../http/contestants.ts'
import { twoCores } from '../http/http.ts'
import { writeRequests } from '../http/requests.ts'
import { connections, runWrk } from '../http/wrk.ts'
import { type Child, startChild } from '../shared/child.ts'
import { type Backend, backends, startService } from '../stores/services.ts'
import type { Question, Seen } from './main.ts'

export interface RevocationEffort {
  readonly samples: number
  /** Signed-in clients that the load plays. */
  readonly sessions: number
}

/** Milliseconds from the acknowledgement on one node; 0 when the other saw it before. */
export interface Lag {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export interface RevocationResult {
  readonly effort: RevocationEffort
  readonly connections: number
  /** Requests per second that the watching node answered meanwhile. */
  readonly perSecond: number
  /** The first check that refused. */
  readonly refused: Lag
  /** The live connection was told. */
  readonly closed: Lag
  /** A message of the driver alone was heard; absent in results of earlier runs. */
  readonly heard?: Lag
}

export type RevocationResults = Readonly<Record<Backend, RevocationResult>>

function lagOf(values: readonly number[]): Lag {
  const sorted = values.map((value) => Math.max(0, value)).toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99), max: at(1) }
}

interface Issued {
  readonly token: string
  readonly session: string
}

const ask = (child: Child, question: Question): Promise<unknown> => child.ask(question)

/** One session: issued and ended on `first`, watched on `second`. */
async function sample(first: Child, second: Child): Promise<Seen> {
  const { token, session } = (await ask(first, { ask: 'issue' })) as Issued
  await ask(second, { ask: 'watch', token })
  const acknowledgedAt = (await ask(first, { ask: 'revoke', session })) as number
  const seen = (await second.next()) as Seen
  const after = (instant: number): number => instant - acknowledgedAt
  return { refusedAt: after(seen.refusedAt), closedAt: after(seen.closedAt), heardAt: after(seen.heardAt) }
}

const onNode = contestants.find(({ name }) => name === 'node holdfast')
const secondsPerRun = 2

async function measureBackend(backend: Backend, effort: RevocationEffort, folder: string): Promise<RevocationResult> {
  const service = await startService(backend)
  const children: Child[] = []
  const cpus = twoCores()
  const start = () => {
    const secret = 'the same on both nodes: k3yJ8qZr2Wv5'
    const child = startChild(new URL('./main.ts', import.meta.url), [JSON.stringify(service.place), secret])
    children.push(child)
    return child
  }
  try {
    const first = start()
    await first.next()
    const second = start()
    const port = Number(await second.next())
    if (onNode === undefined) throw new Error('there is no contestant on plain node:http')
    const requests = `${folder}/requests`
    await writeRequests(port, onNode, effort.sessions, requests)

    const seen: Seen[] = []
    const rates: number[] = []
    let isDone = false
    const load = (async () => {
      while (!isDone) rates.push((await runWrk({ port, requests, seconds: secondsPerRun, cpu: cpus?.[1] })).perSecond)
    })()
    // A failed load is told at the end; until then it must not end the process.
    load.catch(() => undefined)
    while (seen.length < effort.samples) seen.push(await sample(first, second))
    isDone = true
    await load
    return {
      effort,
      connections,
      perSecond: rates.reduce((sum, rate) => sum + rate, 0) / rates.length,
      refused: lagOf(seen.map(({ refusedAt }) => refusedAt)),
      closed: lagOf(seen.map(({ closedAt }) => closedAt)),
      heard: lagOf(seen.map(({ heardAt }) => heardAt)),
    }
  } finally {
    await Promise.all(children.map((child) => child.stop()))
    await service.stop()
  }
}

export async function measureRevocation(effort: RevocationEffort, folder: string): Promise<RevocationResults> {
  const results: Partial<Record<Backend, RevocationResult>> = {}
  for (const backend of backends) results[backend] = await measureBackend(backend, effort, folder)
  return results as RevocationResults
}
