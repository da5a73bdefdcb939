/** API keys over a memory store whose every call can be made to fail. */
import { type ApiKeyOptions, createApiKeys } from '../../src/defence/api-keys.ts'
import type { SecurityEvent } from '../../src/engine/events.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { fakeClock, faultyStore, seededRandom } from '../../src/testing/index.ts'
import { secret } from '../engine/support/start.ts'

export const ip = '192.0.2.7'
export const input = { owner: 'alice', name: 'backup', scopes: ['read'] }
export const imported = 'uO4mP8wQz1rT6yX3cV9bN2kL7jH5gF0d'

export function start(options: Partial<ApiKeyOptions> = {}) {
  const clock = fakeClock()
  const store = faultyStore(memoryStore())
  const events: SecurityEvent[] = []
  const faults: unknown[] = []
  const given = { store: store.apiKeys, secret, clock, random: seededRandom(1), onFault: (fault: unknown) => faults.push(fault) }
  const apiKeys = createApiKeys({ ...given, ...options })
  apiKeys.on((event) => events.push(event))
  const reasonOf = async (token: string | undefined, from: string | undefined = ip) => {
    const verdict = await apiKeys.check(token, { ip: from })
    return verdict.status === 'dead' ? verdict.reason : verdict.status
  }
  return { apiKeys, clock, store, events, faults, reasonOf }
}
