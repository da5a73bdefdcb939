/** Checks of what is kept in the database of the accounts: the trail of security events and the API keys. Changes nothing. */
import { existsSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { openKeys } from '../backends/keys.ts'
import { sessionsPlace } from '../backends/places.ts'
import type { Config } from '../config/config.ts'
import { secretsOf } from '../config/secret.ts'
import { apiKeysCheck, checkApiKeys } from './api-keys.ts'
import { checkTrail, trailCheck } from './events.ts'
import { type Finding, failed } from './finding.ts'

const ignore = () => undefined

const checks = [
  [trailCheck, checkTrail],
  [apiKeysCheck, checkApiKeys],
] as const

/** What is known of the place: examined already when the sessions are there too, as it takes its time. */
async function findingsOfPlace(config: Config, known: readonly Finding[]): Promise<readonly Finding[]> {
  const { store, accounts } = config
  return isDeepStrictEqual(store, accounts) ? known : sessionsPlace({ ...config, store: accounts }).examine()
}

/** To open a store that is missing, older or damaged would change it; its other checks say so. */
async function isReadable(config: Config, known: readonly Finding[]): Promise<boolean> {
  if (config.secret.kind === 'development' && !existsSync(config.secret.path)) return false
  // An unreadable secret is the finding of another check.
  secretsOf(config.secret)
  const findings = await findingsOfPlace(config, known)
  const isInOrder = findings.every(({ status }) => status !== 'failed')
  return isInOrder && findings.some(({ check: name, status }) => name === 'sessions: schema' && status === 'ok')
}

const failedBy = (check: string, fault: unknown): Finding =>
  failed(check, fault instanceof Error ? fault.message : 'cannot be read')

/** `known`: what was found of the sessions' place. */
export async function checkBesideAccounts(config: Config, known: readonly Finding[]): Promise<Finding[]> {
  if (!(await isReadable(config, known).catch(() => false))) return []
  const findings: Finding[] = []
  try {
    const opened = await openKeys(config, ignore)
    try {
      const secrets = secretsOf(config.secret)
      for (const [check, run] of checks) findings.push(await run(opened, secrets).catch((fault) => failedBy(check, fault)))
    } finally {
      await opened.close()
    }
  } catch (fault) {
    findings.push(failedBy(trailCheck, fault))
  }
  return findings
}
