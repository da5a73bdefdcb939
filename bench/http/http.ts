/** Part `http`: requests per second of an authenticated `GET /me`, against the same framework without sessions. */
import { writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { startService } from '../stores/services.ts'
import { bareOf, type Contestant, contestants } from './contestants.ts'
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

/** Runs with the contestant's backend up, and its place written where its server looks for it. */
async function withBackend<T>({ backend }: Contestant, folder: string, run: () => Promise<T>): Promise<T> {
  if (backend === undefined) return run()
  const service = await startService(backend)
  try {
    await writeFile(`${folder}/${backend}.json`, JSON.stringify(service.place))
    return await run()
  } finally {
    await service.stop()
  }
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
    const bare = bareOf[contestant.framework]
    const result = await withBackend(contestant, folder, () => compare(bare, contestant, folder, effort))
    results[contestant.name] = result
    progress(`${contestant.name} ${result.ratio.median.toFixed(3)}`)
  }
  return { effort, nullTest, contestants: results }
}
