/** `requireApiKey`: what a route asks of a request's API key, and the answer to a request that does not have it. */
import { type ApiKeyFailure, type ApiKeys, isForgedKey } from '../defence/api-keys.ts'
import { ConfigurationError } from '../engine/errors.ts'
import { checkHasMethods } from '../engine/option-checks.ts'
import { checkOptionsObject, unknownNames } from '../engine/option-readers.ts'
import { insecureDetail } from './address.ts'
import { bearerIn } from './credentials.ts'
import type { Exchange } from './exchange.ts'
import { type Answer, answerFor, problemAnswer } from './problem.ts'

export interface ApiKeyRequirement {
  /** The key must have all of these. */
  readonly scopes?: readonly string[]
}

/** Reads the arguments of a guard. Throws `ConfigurationError`: a guard that was misspelt must not let people in. */
export function parseApiKeyRequirement(apiKeys: ApiKeys, given: ApiKeyRequirement = {}): readonly string[] {
  checkOptionsObject(given)
  const found = unknownNames(given, ['scopes'], '')
  checkHasMethods(apiKeys, 'apiKeys', 'what createApiKeys returned', ['check'], (problem) => found.push(problem))
  const { scopes = [] } = given
  if (!Array.isArray(scopes) || !scopes.every((scope) => typeof scope === 'string' && scope !== '')) {
    found.push({ field: 'scopes', message: 'must be a list of scopes' })
  }
  if (found.length > 0) throw new ConfigurationError(found)
  return scopes
}

/** Undefined when the request may pass: then `apiKey` is set on it. */
export async function checkApiKey(exchange: Exchange, apiKeys: ApiKeys, scopes: readonly string[]): Promise<Answer | undefined> {
  if (exchange.transport === 'refused') return problemAnswer('insecure-transport', { detail: insecureDetail })
  const token = bearerIn(exchange.carrier.authorization ?? '')
  const verdict = await apiKeys.check(token, { ip: exchange.ip })
  if (verdict.status === 'unknown') return problemAnswer(verdict.code, { retryAfter: verdict.retryAfter })
  if (verdict.status === 'dead') return answerTo(verdict.reason, exchange)
  const missing = scopes.filter((scope) => !verdict.key.scopes.includes(scope))
  if (missing.length > 0) return problemAnswer('forbidden', { detail: `the key lacks ${missing.join(' ')}` })
  exchange.admitKey(verdict.key)
  exchange.carrier.setDefault('cache-control', 'no-store')
  return undefined
}

/** One answer to whoever has no good key: which keys exist, or once did, is nobody's business. */
function answerTo(reason: ApiKeyFailure, { core, ip }: Exchange): Answer {
  // Without a credential a challenge names no error (RFC 6750, 3.1).
  if (reason === 'missing') return problemAnswer('api-key-required')
  if (reason === 'source-not-allowed') return problemAnswer('forbidden')
  const tooMany = isForgedKey(reason) ? core.limits.failedToken.refusalOf(ip) : undefined
  if (tooMany !== undefined) return answerFor(tooMany)
  return problemAnswer('api-key-required', { challenge: 'Bearer error="invalid_token"' })
}
