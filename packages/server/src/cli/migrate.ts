/** `holdfast-server migrate`: what every start does by itself, for those who deploy in steps. */
import { existsSync, statSync } from 'node:fs'
import { accountsSchemaVersion } from '../accounts/sqlite-schema.ts'
import type { Config } from '../config/config.ts'
import { accountsVersion, sessionsVersion } from '../preflight.ts'
import { requireConfig, withServices } from './with-services.ts'

function hasContent(path: string): boolean {
  return existsSync(path) && statSync(path).size > 0
}

function versions({ store, accounts }: Config): { readonly sessions: number; readonly accounts: number } {
  return {
    sessions: store.kind === 'sqlite' && hasContent(store.path) ? sessionsVersion(store.path) : 0,
    accounts: hasContent(accounts.path) ? accountsVersion(accounts.path) : 0,
  }
}

export async function migrate(): Promise<void> {
  const config = requireConfig()
  const before = versions(config)
  await withServices(async () => undefined)
  const after = versions(config)
  const told = (what: string, from: number, to: number) =>
    console.log(from === to ? `${what}: at version ${to} already` : `${what}: from version ${from} to ${to}`)
  if (config.store.kind === 'sqlite') told('sessions', before.sessions, after.sessions)
  told('accounts', before.accounts, accountsSchemaVersion)
}
