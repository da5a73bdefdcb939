/** Part `stores`: checks that ask Redis or PostgreSQL, against what the driver itself can do in the same run. */
import { startChild } from '../shared/child.ts'
import { type Spread, spreadOf } from '../shared/statistics.ts'
import type { StoreEffort, StoreRun } from './main.ts'
import { type Backend, backends, startService } from './services.ts'

export interface StoreResult {
  readonly effort: StoreEffort
  /** Lookups per second. */
  readonly driver: Spread
  /** Checks per second. */
  readonly verify: Spread
  /** The one over the other, round by round. */
  readonly ratio: Spread
  readonly bytes: number
}

export type StoresResult = Readonly<Record<Backend, StoreResult>>

async function measureBackend(backend: Backend, effort: StoreEffort, flags: readonly string[]): Promise<StoreResult> {
  const service = await startService(backend)
  try {
    const args = [JSON.stringify(service.place), JSON.stringify(effort)]
    const child = startChild(new URL('./main.ts', import.meta.url), args, { flags })
    try {
      const { driver, verify, bytes } = (await child.next()) as StoreRun
      const ratio = spreadOf(verify.map((own, at) => own / (driver[at] ?? Number.NaN)))
      return { effort, driver: spreadOf(driver), verify: spreadOf(verify), ratio, bytes }
    } finally {
      await child.stop()
    }
  } finally {
    await service.stop()
  }
}

export async function measureStores(
  effort: Readonly<Record<Backend, StoreEffort>>,
  flags: readonly string[],
): Promise<StoresResult> {
  const results: Partial<Record<Backend, StoreResult>> = {}
  for (const backend of backends) results[backend] = await measureBackend(backend, effort[backend], flags)
  return results as StoresResult
}
