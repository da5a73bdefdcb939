/** Housekeeping of the server's own, beside what the engine sweeps. Nothing is live or dead because of it. */
import type { Clock } from 'holdfast'
import type { ApiKeys } from 'holdfast/defence/api-keys'
import { every } from './clock.ts'
import type { OnFault } from './fault-log.ts'

/** Long enough for the quarter that an audit asks for; what must be kept longer is read by `cursor` and kept elsewhere. */
export const retentionDays = 90
export const retentionMs: number = retentionDays * 86_400_000
const everyMs = 3_600_000
const batch = 500

interface SweepParts {
  readonly clock: Clock | undefined
  readonly onFault: OnFault
}

/** What fails is told, and tried again in an hour. Returns what stops it. */
export function sweepHourly(doing: string, { clock, onFault }: SweepParts, sweep: (now: number) => Promise<unknown>): () => void {
  return every(everyMs, clock, async (now) => {
    try {
      await sweep(now)
    } catch (fault) {
      onFault(fault, doing)
    }
  })
}

/** Ended API keys stay on the lists for as long as the events that tell of them. Returns what stops it. */
export function sweepApiKeys(apiKeys: Pick<ApiKeys, 'sweep'>, clock: Clock | undefined, onFault: OnFault): () => void {
  return sweepHourly('deleting API keys that ended', { clock, onFault }, async (now) => {
    for (let swept = batch; swept === batch; ) swept = await apiKeys.sweep(now - retentionMs, batch)
  })
}
