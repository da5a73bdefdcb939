/** Checks of file modes: secrets and password hashes are for one user of the machine. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import type { Config } from '../config/config.ts'
import { type Finding, failed, ok, warning } from './finding.ts'

const everyone = 0o007
const group = 0o070

function checkMode(check: string, path: string): Finding {
  const mode = statSync(path).mode & 0o777
  const written = mode.toString(8).padStart(4, '0')
  if ((mode & everyone) !== 0) return failed(check, `${path} has mode ${written}: every user of this machine can use it`)
  if ((mode & group) !== 0) return warning(check, `${path} has mode ${written}: its group can use it`)
  return ok(check, `${path} has mode ${written}`)
}

function holdsSecret(path: string): boolean {
  return existsSync(path) && (parseEnv(readFileSync(path, 'utf8')).HOLDFAST_SECRET ?? '') !== ''
}

export function checkFiles(config: Config, folder: string): Finding[] {
  const envPath = join(folder, '.env')
  const paths: (readonly [string, string])[] = []
  const accounts = config.accounts.kind === 'sqlite' ? config.accounts.path : undefined
  if (config.store.kind === 'sqlite' && config.store.path !== accounts) paths.push(['mode: sessions', config.store.path])
  if (accounts !== undefined) paths.push(['mode: accounts', accounts])
  if (config.secret.kind === 'development') paths.push(['mode: secret', config.secret.path])
  if (holdsSecret(envPath)) paths.push(['mode: .env', envPath])
  return paths.filter(([, path]) => existsSync(path)).map(([check, path]) => checkMode(check, path))
}
