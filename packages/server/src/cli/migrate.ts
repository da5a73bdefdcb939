/** `holdfast-server migrate`: what every start does by itself, for those who deploy in steps. */
import { accountsPlace, sessionsPlace } from '../backends/places.ts'
import type { Config } from '../config/config.ts'
import { requireUsableConfig, withServices } from './with-services.ts'

interface Versions {
  readonly sessions: number | undefined
  readonly accounts: number | undefined
}

async function versionsOf(config: Config): Promise<Versions> {
  return {
    sessions: await sessionsPlace(config).schemaVersion(),
    accounts: await accountsPlace(config).schemaVersion(),
  }
}

export async function migrate(): Promise<void> {
  const config = await requireUsableConfig()
  const before = await versionsOf(config)
  await withServices(async () => undefined)
  const after = await versionsOf(config)
  for (const what of ['sessions', 'accounts'] as const) {
    const [from, to] = [before[what], after[what]]
    if (from === undefined || to === undefined) console.log(`${what}: have no schema here`)
    else console.log(from === to ? `${what}: at version ${to} already` : `${what}: from version ${from} to ${to}`)
  }
}
