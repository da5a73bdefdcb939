/** Checks of where sessions and accounts are kept. Changes nothing. */
import { accountsPlace, sessionsPlace } from '../backends/places.ts'
import type { Config } from '../config/config.ts'
import { storageProblems } from '../preflight.ts'
import { type Finding, failed } from './finding.ts'

async function guarded(check: string, run: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await run()
  } catch (fault) {
    return [failed(check, fault instanceof Error ? fault.message : 'cannot be read')]
  }
}

export async function checkStores(config: Config): Promise<readonly Finding[]> {
  const problems = await storageProblems(config)
  if (problems.length > 0) return problems.map(({ variable, message }) => failed('storage', `${variable}: ${message}`))
  const sessions = await guarded('sessions', () => sessionsPlace(config).examine())
  const accounts = await guarded('accounts', () => accountsPlace(config).examine())
  return [...sessions, ...accounts]
}
