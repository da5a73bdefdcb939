/** Part `memory`: what sessions cost in the memory store, each run in a process of its own. */
import { startChild } from '../shared/child.ts'
import { type Spread, spreadOf } from '../shared/statistics.ts'
import type { MemoryRun } from './main.ts'

export interface MemoryResult {
  readonly sessions: number
  readonly bytes: Spread
  readonly residentBytes: Spread
  readonly fullGc: Spread
  readonly get: Spread
  readonly verify: Spread
  readonly issue: Spread
}

async function runOnce(sessions: number): Promise<MemoryRun> {
  const child = startChild(new URL('./main.ts', import.meta.url), [String(sessions)], { flags: ['--expose-gc'] })
  try {
    return (await child.next()) as MemoryRun
  } finally {
    await child.stop()
  }
}

export async function measureMemory(sessions: number, times: number): Promise<MemoryResult> {
  const runs: MemoryRun[] = []
  for (let run = 0; run < times; run += 1) runs.push(await runOnce(sessions))
  const of = (name: keyof MemoryRun) => spreadOf(runs.map((run) => run[name]))
  return {
    sessions,
    bytes: of('bytes'),
    residentBytes: of('residentBytes'),
    fullGc: of('fullGc'),
    get: of('get'),
    verify: of('verify'),
    issue: of('issue'),
  }
}
