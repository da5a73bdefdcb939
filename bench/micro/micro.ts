/** Part `micro`: what one check costs, in microseconds. */
import { startChild } from '../shared/child.ts'
import type { Population } from './cases.ts'
import type { CaseResult, Effort } from './rounds.ts'

export interface MicroResult {
  readonly population: Population
  readonly effort: Effort
  /** Microseconds per check. */
  readonly cases: Readonly<Record<string, CaseResult>>
}

export async function measureMicro(
  folder: string,
  effort: Effort,
  population: Population,
  flags: readonly string[],
): Promise<MicroResult> {
  const main = new URL('./main.ts', import.meta.url)
  const child = startChild(main, [folder, JSON.stringify(effort), JSON.stringify(population)], { flags })
  try {
    return { population, effort, cases: (await child.next()) as Record<string, CaseResult> }
  } finally {
    await child.stop()
  }
}
