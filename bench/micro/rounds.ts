/** Interleaved timing: each round runs every case once, in random order, so that a noisy moment hits all alike. */
import { type Spread, shuffled, spreadOf } from '../shared/statistics.ts'

/** One presented credential: its text, and what the request tells of its client. */
export interface Presented {
  readonly token: string
  readonly context: { readonly ip: string; readonly userAgent: string }
}

export interface Case {
  readonly name: string
  /** What the clients of this case present, in rotation. */
  readonly presented: readonly Presented[]
  check(presented: Presented): unknown
  /** Whether this answer lets the request in. A case that refuses is not measured. */
  accepts(answer: unknown): boolean
  /** Undoes a check, so that the next one finds what this one found. Not measured. */
  undo?(answer: unknown): unknown
}

export interface Effort {
  readonly rounds: number
  /** Measured time per case and round, ms. */
  readonly share: number
}

const largestBatch = 1000
/** Of checks that are undone: no more of them are under way at once than a server has. */
const largestUndone = 20

/** Shares that a case runs for before its rounds: a check of 30 µs is called some 13,000 times, and compiled. */
const warmUpShares = 10

/** A string of its own, as a parsed header is: one that was a key before carries its hash and is looked up faster. */
function fresh(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}

function freshBatch({ presented }: Case, from: number, size: number): Presented[] {
  return Array.from({ length: size }, (_, at) => {
    const { token, context } = presented[(from + at) % presented.length] ?? { token: '', context: { ip: '', userAgent: '' } }
    return { token: fresh(token), context: { ip: fresh(context.ip), userAgent: fresh(context.userAgent) } }
  })
}

/** Wall time and CPU time of the whole process, with the threads that a library uses. */
interface Cost {
  readonly wall: number
  readonly cpu: number
}

export interface CaseResult {
  readonly wall: Spread
  readonly cpu: Spread
}

/** Milliseconds for one batch; answers at once are not awaited, as an adapter would not. */
async function timeBatch(subject: Case, batch: readonly Presented[]): Promise<Cost> {
  const cpuBefore = process.cpuUsage()
  const from = performance.now()
  const answers: unknown[] = []
  for (const presented of batch) {
    const answer = subject.check(presented)
    const done = answer instanceof Promise ? await answer : answer
    if (subject.undo !== undefined) answers.push(done)
  }
  const wall = performance.now() - from
  const { user, system } = process.cpuUsage(cpuBefore)
  for (const answer of answers) await subject.undo?.(answer)
  return { wall, cpu: (user + system) / 1000 }
}

interface Running {
  readonly subject: Case
  readonly results: Cost[]
  batch: number
  position: number
}

/** Microseconds per check, over batches that take `share` ms together. */
async function runShare(running: Running, share: number): Promise<Cost> {
  const { subject, batch } = running
  let wall = 0
  let cpu = 0
  let checks = 0
  while (wall < share) {
    const cost = await timeBatch(subject, freshBatch(subject, running.position, batch))
    wall += cost.wall
    cpu += cost.cpu
    running.position += batch
    checks += batch
  }
  return { wall: (wall / checks) * 1000, cpu: (cpu / checks) * 1000 }
}

async function prepare(subject: Case, share: number): Promise<Running> {
  for (const presented of freshBatch(subject, 0, Math.min(subject.presented.length, 20))) {
    const answer = await subject.check(presented)
    if (!subject.accepts(answer)) throw new Error(`${subject.name} refuses what it should accept`)
    await subject.undo?.(answer)
  }
  const running: Running = { subject, results: [], batch: 20, position: 0 }
  const { wall } = await runShare(running, share * warmUpShares)
  const largest = subject.undo === undefined ? largestBatch : largestUndone
  running.batch = Math.max(10, Math.min(largest, Math.ceil((share * 1000) / wall)))
  return running
}

/** Microseconds per check and case. */
export async function runRounds(cases: readonly Case[], { rounds, share }: Effort): Promise<Record<string, CaseResult>> {
  const all: Running[] = []
  for (const subject of cases) all.push(await prepare(subject, share))
  for (let round = 0; round < rounds; round += 1) {
    for (const running of shuffled(all)) running.results.push(await runShare(running, share))
  }
  return Object.fromEntries(
    all.map(({ subject: { name }, results }) => [
      name,
      { wall: spreadOf(results.map(({ wall }) => wall)), cpu: spreadOf(results.map(({ cpu }) => cpu)) },
    ]),
  )
}
