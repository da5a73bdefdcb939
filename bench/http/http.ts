/** Part `http`: requests per second of an authenticated `GET /me`, against the same framework without sessions. */
import { availableParallelism } from 'node:os'
import { bareOf, contestants } from './contestants.ts'
import { compare, type HttpEffort, type PairResult } from './pairs.ts'

export interface HttpResult {
  readonly effort: HttpEffort
  /** The bare framework against itself: how far from 1 the method errs. */
  readonly nullTest: PairResult
  readonly contestants: Readonly<Record<string, PairResult>>
}

/** Server and load on a core each, where the system can be told so. */
export function twoCores(): readonly [number, number] | undefined {
  return process.platform === 'linux' && availableParallelism() >= 2 ? [0, 1] : undefined
}

export async function measureHttp(
  folder: string,
  effort: HttpEffort,
  match: string,
  progress: (line: string) => void,
): Promise<HttpResult> {
  const nullTest = await compare(bareOf.node, bareOf.node, folder, effort)
  progress(`null test ${nullTest.ratio.median.toFixed(3)}`)
  const results: Record<string, PairResult> = {}
  for (const contestant of contestants) {
    if (!contestant.name.includes(match)) continue
    const result = await compare(bareOf[contestant.framework], contestant, folder, effort)
    results[contestant.name] = result
    progress(`${contestant.name} ${result.ratio.median.toFixed(3)}`)
  }
  return { effort, nullTest, contestants: results }
}
