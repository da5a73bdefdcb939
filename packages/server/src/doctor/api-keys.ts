/** Which API keys a rotation of the secret would end, or has ended: a key is good while the secret that signed it is listed. */
import { type ApiKey, type ApiKeys, createApiKeys } from 'holdfast/defence/api-keys'
import type { OpenedKeys } from '../backends/keys.ts'
import { systemNow } from '../clock.ts'
import { type Finding, ok, warning } from './finding.ts'

export const apiKeysCheck = 'API keys: secret'
const page = 200
/** So many are looked at, the newest: enough to tell, and no long wait. */
const mostPages = 50

interface Count {
  live: number
  /** Signed by a secret that is listed and is not the first. */
  older: number
  /** Signed by one that is not listed. */
  unlisted: number
}

const isLive = ({ revokedAt, expiresAt }: ApiKey, now: number): boolean =>
  revokedAt === null && (expiresAt === null || expiresAt > now)

async function counted(apiKeys: ApiKeys, now: number): Promise<Count> {
  const count: Count = { live: 0, older: 0, unlisted: 0 }
  let after: Awaited<ReturnType<ApiKeys['list']>>['next']
  for (let read = 0; read < mostPages; read += 1) {
    const { items, next } = await apiKeys.list({ limit: page, ...(after === undefined ? {} : { after }) })
    for (const { id } of items.filter((key) => isLive(key, now))) {
      const signer = apiKeys.signerOf(id) ?? 0
      count.live += 1
      count.older += signer > 0 ? 1 : 0
      count.unlisted += signer < 0 ? 1 : 0
    }
    after = next
    if (after === undefined) break
  }
  return count
}

function findingOf({ live, older, unlisted }: Count): Finding {
  const problems = [
    ...(older > 0 ? [`${older} of ${live} end when the older secret is taken out: make them anew before, or keep it`] : []),
    ...(unlisted > 0 ? [`${unlisted} of ${live} were signed by a secret that is not listed, and are refused`] : []),
  ]
  return problems.length > 0
    ? warning(apiKeysCheck, problems.join('; '))
    : ok(apiKeysCheck, `${live} in use, none by an older secret`)
}

export async function checkApiKeys({ store }: OpenedKeys, secret: readonly string[]): Promise<Finding> {
  return findingOf(await counted(createApiKeys({ store, secret }), systemNow()))
}
