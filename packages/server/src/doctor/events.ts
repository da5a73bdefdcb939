/** Whether the trail of security events is whole. Changes nothing. */
import { existsSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { createEventTrail, type EventTrailOptions } from 'holdfast/defence/event-trail'
import { openKeys } from '../backends/keys.ts'
import { sessionsPlace } from '../backends/places.ts'
import type { Config } from '../config/config.ts'
import { secretsOf } from '../config/secret.ts'
import { type Finding, failed, ok } from './finding.ts'

const check = 'events: chain'
const ignore = () => undefined

async function verified(config: Config): Promise<Finding> {
  const opened = await openKeys(config, ignore)
  try {
    const secrets = secretsOf(config.secret) as EventTrailOptions['secrets']
    const verdict = await createEventTrail({ log: opened.eventLog, secrets }).verify()
    return verdict.whole
      ? ok(check, `whole, ${verdict.events} events; \`events verify\` prints a head to keep elsewhere`)
      : failed(check, `${verdict.problem} at ${verdict.sequence}: the log was tampered with, or the secret is another`)
  } finally {
    await opened.close()
  }
}

/** What is known of the place of the trail: examined already when the sessions are there too, as it takes its time. */
async function placeOfTrail(config: Config, known: readonly Finding[]): Promise<readonly Finding[]> {
  const { store, accounts } = config
  return isDeepStrictEqual(store, accounts) ? known : sessionsPlace({ ...config, store: accounts }).examine()
}

/** To open a store that is missing, older or damaged would change it; its other checks say so. */
async function isReadable(config: Config, known: readonly Finding[]): Promise<boolean> {
  if (config.secret.kind === 'development' && !existsSync(config.secret.path)) return false
  // An unreadable secret is the finding of another check.
  secretsOf(config.secret)
  const findings = await placeOfTrail(config, known)
  const isInOrder = findings.every(({ status }) => status !== 'failed')
  return isInOrder && findings.some(({ check: name, status }) => name === 'sessions: schema' && status === 'ok')
}

/** `known`: what was found of the sessions' place. */
export async function checkTrail(config: Config, known: readonly Finding[]): Promise<Finding[]> {
  if (!(await isReadable(config, known).catch(() => false))) return []
  return [await verified(config).catch((fault) => failed(check, fault instanceof Error ? fault.message : 'cannot be read'))]
}
