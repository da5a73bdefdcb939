/** Housekeeping of the server's own, beside what the engine sweeps. Nothing is live or dead because of it. */
import type { Clock } from 'holdfast'
import type { ApiKeys } from 'holdfast/defence/api-keys'
import { every } from './clock.ts'
import { retentionDays } from './events.ts'

const everyMs = 3_600_000
const batch = 500

/** Ended API keys stay on the lists for as long as the events that tell of them. Returns what stops it. */
export function sweepApiKeys(
  apiKeys: Pick<ApiKeys, 'sweep'>,
  clock: Clock | undefined,
  onFault: (fault: unknown, doing: string) => void,
): () => void {
  return every(everyMs, clock, async (now) => {
    try {
      for (let swept = batch; swept === batch; ) swept = await apiKeys.sweep(now - retentionDays * 86_400_000, batch)
    } catch (fault) {
      onFault(fault, 'deleting API keys that ended')
    }
  })
}
