/** Options of API keys: parsed once, every problem reported at once. */
import { type Clock, systemClock } from '../engine/clock.ts'
import { type RandomFill, systemRandom } from '../engine/crypto.ts'
import { ConfigurationError } from '../engine/errors.ts'
import type { FaultLogger } from '../engine/events.ts'
import { unfailing } from '../engine/hook.ts'
import { checkHasMethods, checkHooks, readSecrets } from '../engine/option-checks.ts'
import { checkOptionsObject, type Report, readCount, unknownNames } from '../engine/option-readers.ts'
import type { ApiKeyStore } from '../store/api-keys.ts'
import type { Awaitable } from '../store/store.ts'

export interface ApiKeyOptions {
  readonly store: ApiKeyStore
  /** As for `createHoldfast`, and the same: newest first. */
  readonly secret: string | readonly string[] | undefined
  /** Keys of one owner that are neither revoked nor expired, 1 to 1000. Default 50. */
  readonly keysPerOwner?: number
  /** Accepts keys that were made elsewhere and imported. Their forgeries cannot be told without the store. Default false. */
  readonly acceptImported?: boolean
  /** Whether the owner may act; asked at each use. Default: whoever has a key may. */
  readonly isOwnerActive?: (owner: string) => Awaitable<boolean>
  readonly clock?: Clock
  readonly random?: RandomFill
  readonly onFault?: FaultLogger
}

interface ApiKeySettings extends Omit<Required<ApiKeyOptions>, 'secret'> {
  readonly secrets: readonly [string, ...string[]]
}

const optionNames: readonly (keyof ApiKeyOptions)[] = [
  'store',
  'secret',
  'keysPerOwner',
  'acceptImported',
  'isOwnerActive',
  'clock',
  'random',
  'onFault',
]
/** The store of sessions has methods of the other names, which would take a key for a session. */
const storeMethods: readonly (keyof ApiKeyStore)[] = ['insert', 'get', 'list', 'touch', 'revoke', 'revokeOwner', 'sweep']

/** Throws `ConfigurationError` listing every problem. */
export function parseApiKeyOptions(options: ApiKeyOptions): ApiKeySettings {
  checkOptionsObject(options)
  const found = unknownNames(options, optionNames, '')
  const report: Report = (problem) => found.push(problem)
  checkHasMethods(options.store, 'store', 'the `apiKeys` of a store', storeMethods, report)
  checkHooks(options, report)
  const { store, acceptImported = false, isOwnerActive = () => true, clock = systemClock, random = systemRandom } = options
  if (typeof acceptImported !== 'boolean') report({ field: 'acceptImported', message: 'must be true or false' })
  if (typeof isOwnerActive !== 'function') report({ field: 'isOwnerActive', message: 'must be a function' })
  const secrets = readSecrets(options.secret, report)
  const keysPerOwner = readCount(options.keysPerOwner, 'keysPerOwner', { default: 50, min: 1, max: 1000 }, report)
  if (found.length > 0) throw new ConfigurationError(found)
  const onFault = unfailing(options.onFault ?? (() => undefined))
  return { store, secrets, keysPerOwner, acceptImported, isOwnerActive, clock, random, onFault }
}
