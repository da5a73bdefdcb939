/** Every check of `doctor`, in the order in which they are read. Changes nothing and needs no running server. */
import { existsSync, statSync } from 'node:fs'
import { systemNow } from '../clock.ts'
import { type Config, readConfig } from '../config/config.ts'
import type { Environment } from '../config/env-file.ts'
import { passedOver } from '../config/misspelt.ts'
import { secretsOf } from '../config/secret.ts'
import { checkBesideAccounts } from './beside-accounts.ts'
import { checkFiles } from './files.ts'
import { type Finding, failed, ok, warning } from './finding.ts'
import { checkStores } from './stores.ts'

function checkSettings(environment: Environment): Finding {
  const others = passedOver(environment)
  return others.length === 0
    ? ok('configuration', 'every setting can be read, none contradict')
    : warning('configuration', `${others.join(', ')}: no setting of this version, and passed over`)
}

function checkSecret({ secret }: Config): Finding {
  if (secret.kind === 'given') {
    return ok(
      'secret',
      secret.secrets.length === 1 ? 'one, strong enough' : `${secret.secrets.length}; the first signs, all verify`,
    )
  }
  if (!existsSync(secret.path)) return ok('secret', 'none yet; the first start makes one in data/secret')
  try {
    secretsOf(secret)
    return ok('secret', `${secret.path}, made on first run; production needs HOLDFAST_SECRET`)
  } catch (fault) {
    return failed('secret', fault instanceof Error ? fault.message : 'cannot be read')
  }
}

function checkTransport({ url, production }: Config): Finding {
  if (url?.protocol === 'https:') return ok('cookies', '__Host- prefix, Secure, HttpOnly, SameSite=Strict')
  const detail = 'plain http on loopback: cookies without Secure and prefix; set HOLDFAST_URL to the https origin for real use'
  return production ? warning('cookies', detail) : ok('cookies', detail)
}

/** More addresses than any one operator's proxies have. */
const widest = { 4: 8, 6: 32 } as const

function checkProxies({ trustedProxies }: Config): Finding {
  if (trustedProxies.length === 0) return ok('trusted proxies', 'none: forwarded headers are ignored')
  const wide = trustedProxies.filter((range) => {
    const [address = '', bits] = range.split('/')
    return bits !== undefined && Number(bits) < (address.includes(':') ? widest[6] : widest[4])
  })
  return wide.length === 0
    ? ok('trusted proxies', trustedProxies.join(', '))
    : warning('trusted proxies', `${wide.join(', ')}: whoever sends from there can forge a client's address`)
}

const releasedAt = Date.UTC(2026, 0, 1)
const tolerated = 300_000

/** A clock that went back would keep ended sessions alive; one in the past cannot check anything. */
function checkClock({ store, accounts }: Config): Finding {
  const now = systemNow()
  if (now < releasedAt) return failed('clock', `says ${new Date(now).toISOString()}, before this version was made`)
  const paths = [store, accounts].flatMap((place) => (place.kind === 'sqlite' ? [place.path, `${place.path}-wal`] : []))
  const newest = Math.max(0, ...paths.filter(existsSync).map((path) => statSync(path).mtimeMs))
  return newest > now + tolerated
    ? failed('clock', `says ${new Date(now).toISOString()}, but a store was written at ${new Date(newest).toISOString()}`)
    : ok('clock', new Date(now).toISOString())
}

export async function examine(environment: Environment, folder: string): Promise<Finding[]> {
  const result = readConfig(environment, folder)
  if (result.problems !== undefined) {
    return result.problems.map(({ variable, message }) => failed('configuration', `${variable}: ${message}`))
  }
  const { config } = result
  const stores = await checkStores(config)
  return [
    checkSettings(environment),
    checkSecret(config),
    checkTransport(config),
    checkProxies(config),
    ...stores,
    ...checkFiles(config, folder),
    checkClock(config),
    // Last: it opens a store, which may touch the file that the clock is compared with.
    ...(await checkBesideAccounts(config, stores)),
  ]
}
