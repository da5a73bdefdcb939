/** Whether the trail of security events is whole. Changes nothing. */
import { createEventTrail, type EventTrailOptions } from 'holdfast/defence/event-trail'
import type { OpenedKeys } from '../backends/keys.ts'
import { type Finding, failed, ok } from './finding.ts'

export const trailCheck = 'events: chain'

export async function checkTrail({ eventLog }: OpenedKeys, secrets: readonly string[]): Promise<Finding> {
  const verdict = await createEventTrail({ log: eventLog, secrets: secrets as EventTrailOptions['secrets'] }).verify()
  return verdict.whole
    ? ok(trailCheck, `whole, ${verdict.events} events; \`events verify\` prints a head to keep elsewhere`)
    : failed(trailCheck, `${verdict.problem} at ${verdict.sequence}: the log was tampered with, or the secret is another`)
}
