/** Middleware for apps with JWTs of their own: refuses the revoked ones, and leaves the rest to the app's own check. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { together } from '../defence/counting.ts'
import type { DenylistVerdict, TokenDenylist } from '../defence/denylist/denylist.ts'
import { ConfigurationError } from '../engine/errors.ts'
import { checkHasMethods } from '../engine/option-checks.ts'
import { checkOptionsObject, unknownNames } from '../engine/option-readers.ts'
import { bearerIn } from './credentials.ts'
import { authorizationOf, sendAnswer } from './node.ts'
import { type Answer, problemAnswer } from './problem.ts'

export interface RefuseRevokedOptions {
  /**
   * The token of a request, from **every** place that the app takes one from; several where there is more than one, for
   * which of them the app takes is not known here; `undefined` for none. Default: what follows `Bearer` in the
   * `Authorization` header, and else any JWT in it, whatever its scheme.
   */
  readonly token?: (request: IncomingMessage) => string | readonly (string | undefined)[] | undefined
}

type Middleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void

/** A header of an issuer's is `{"…` in base64url, and a thief cannot write it anew. */
const beginning = 'eyJ'

/** In one pass: one expression for a whole JWT takes a quarter of a second over 16 KB of beginnings without an end. */
function jwtIn(word: string): string | undefined {
  const from = word.indexOf(beginning)
  if (from === -1) return undefined
  const rest = word.slice(from)
  return rest.split('.').length > 2 ? rest : undefined
}

/**
 * Apps differ in what they take: one cuts seven characters off, one splits at any white space, one looks at no scheme. A
 * thief picks the spelling that the app takes and this does not, so a JWT is looked at wherever in the header it stands.
 */
function presentedIn(request: IncomingMessage): string | undefined {
  const authorization = authorizationOf(request)
  if (authorization === undefined) return undefined
  const bearer = bearerIn(authorization)
  if (bearer !== undefined) return bearer
  const found = authorization.split(/[^\w.-]+/).flatMap((word) => jwtIn(word) ?? [])
  // Several are none that can be read: which of them the app takes is not known here.
  return found.length === 0 ? undefined : found.join(' ')
}

/** `undefined` when the app may go on: when every one of its tokens is clear. */
function refusalOf(verdicts: readonly DenylistVerdict[]): Answer | undefined {
  const verdict = verdicts.find(({ status }) => status === 'dead') ?? verdicts.find(({ status }) => status === 'unknown')
  if (verdict === undefined || verdict.status === 'clear') return undefined
  if (verdict.status === 'unknown') return problemAnswer(verdict.code, { retryAfter: verdict.retryAfter })
  const code = verdict.reason === 'revoked' ? 'token-revoked' : 'invalid-credentials'
  return problemAnswer(code, { challenge: 'Bearer error="invalid_token"' })
}

/** With a misspelt option the tokens that it finds would never be looked at. */
function check(denylist: TokenDenylist, options: RefuseRevokedOptions): void {
  checkOptionsObject(options)
  const found = unknownNames(options, ['token'], '')
  checkHasMethods(denylist, 'denylist', 'what createDenylist returned', ['check'], (problem) => found.push(problem))
  if (options.token !== undefined && typeof options.token !== 'function') {
    found.push({ field: 'token', message: 'must be a function' })
  }
  if (found.length > 0) throw new ConfigurationError(found)
}

/**
 * Put it before or after the app's own check of the signature, which stays as it is. A request without a token goes on;
 * a revoked one is answered 401 `token-revoked`, one that cannot be read 401, and 503 when it cannot be told. Throws
 * `ConfigurationError` listing every wrong option.
 */
export function refuseRevoked(denylist: TokenDenylist, options: RefuseRevokedOptions = {}): Middleware {
  check(denylist, options)
  const { token = presentedIn } = options
  return (request, response, next) => {
    const goOn = (verdicts: readonly DenylistVerdict[]): void => {
      const refusal = refusalOf(verdicts)
      if (refusal === undefined) next()
      else sendAnswer(response, refusal)
    }
    const presented = [token(request)].flat().filter((text): text is string => text !== undefined && text !== '')
    const checking = together(presented.map((text) => denylist.check(text)))
    if (checking instanceof Promise) checking.then(goOn).catch(next)
    else goOn(checking)
  }
}
