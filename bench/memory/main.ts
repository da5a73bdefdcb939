/** What a million sessions cost a process. Needs `--expose-gc`. Argument: how many sessions. */
import { memoryStore } from 'holdfast/store/memory'
import { answer, tell } from '../shared/child.ts'
import { addressOf, userAgentOf } from '../shared/clients.ts'
import { freshHoldfast, signIn } from '../shared/holdfast.ts'
import { spreadOf } from '../shared/statistics.ts'

export interface MemoryRun {
  /** Bytes per session on the heap and in array buffers. */
  readonly bytes: number
  /** Growth of the resident set per session, after the same collections. */
  readonly residentBytes: number
  /** Full collections with all sessions live, ms. */
  readonly fullGc: number
  /** `store.get`, sessions at random, microseconds. */
  readonly get: number
  /** `verify` past the cache, sessions at random, microseconds. */
  readonly verify: number
  /** `issue`, microseconds, averaged over all sessions. */
  readonly issue: number
}

const collections = 5
const sampled = 2000
const lookups = 200_000

function collect(): number {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc')
  const from = performance.now()
  globalThis.gc()
  return performance.now() - from
}

interface Use {
  readonly owned: number
  readonly resident: number
}

/** After collections. `external` contains the array buffers, so they are not added once more. */
function use(): Use {
  for (let run = 0; run < collections; run += 1) collect()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { owned: heapUsed + external, resident: rss }
}

async function microsecondsEach(times: number, run: (at: number) => unknown): Promise<number> {
  const from = performance.now()
  for (let at = 0; at < times; at += 1) {
    const answered = run(at)
    if (answered instanceof Promise) await answered
  }
  return ((performance.now() - from) / times) * 1000
}

interface Sample {
  readonly at: number
  readonly token: string
}

async function measure(sessions: number): Promise<MemoryRun> {
  const store = memoryStore()
  const holdfast = freshHoldfast(store)
  const every = Math.max(1, Math.floor(sessions / sampled))
  const samples: Sample[] = []
  const before = use()
  const issue = await microsecondsEach(sessions, async (at) => {
    const token = await signIn(holdfast, at)
    if (at % every === 0) samples.push({ at, token })
  })
  const after = use()
  const fullGc = spreadOf(Array.from({ length: collections }, collect)).median

  const presented = await Promise.all(
    samples.map(async ({ at, token }) => {
      const context = { ip: addressOf(at), userAgent: userAgentOf(at) }
      const verdict = await holdfast.verify(token, context, { fresh: true })
      if (verdict.status !== 'live') throw new Error(`session ${at} is ${verdict.status}`)
      return { id: verdict.session.id, token, context }
    }),
  )
  const one = () => presented[Math.floor(Math.random() * presented.length)] ?? { id: '', token: '', context: {} }
  await microsecondsEach(lookups, () => store.get(one().id))
  const result = {
    bytes: (after.owned - before.owned) / sessions,
    residentBytes: (after.resident - before.resident) / sessions,
    fullGc,
    get: await microsecondsEach(lookups, () => store.get(one().id)),
    verify: await microsecondsEach(lookups, () => {
      const { token, context } = one()
      return holdfast.verify(token, context, { fresh: true })
    }),
    issue,
  }
  await holdfast.close()
  return result
}

answer({})
tell(await measure(Number(process.argv[2])))
