/** Middleware for apps with JWTs of their own: refuses the revoked ones, and leaves the rest to the app's own check. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { DenylistVerdict, TokenDenylist } from '../defence/denylist/denylist.ts'
import { sendAnswer } from './node.ts'
import { type Answer, problemAnswer } from './problem.ts'

export interface RefuseRevokedOptions {
  /**
   * The token of a request, from **every** place that the app takes one from; `undefined` for none. Default: what
   * follows `Bearer` in the `Authorization` header.
   */
  readonly token?: (request: IncomingMessage) => string | undefined
}

type Middleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void

function bearerToken({ headers: { authorization } }: IncomingMessage): string | undefined {
  const scheme = authorization === undefined ? null : /^bearer +/i.exec(authorization)
  return scheme === null ? undefined : authorization?.slice(scheme[0].length)
}

/** `undefined` when the app may go on. */
function refusalOf(verdict: DenylistVerdict): Answer | undefined {
  if (verdict.status === 'clear') return undefined
  if (verdict.status === 'unknown') return problemAnswer(verdict.code, { retryAfter: verdict.retryAfter })
  const code = verdict.reason === 'revoked' ? 'token-revoked' : 'invalid-credentials'
  return problemAnswer(code, { challenge: 'Bearer error="invalid_token"' })
}

/**
 * Put it before or after the app's own check of the signature, which stays as it is. A request without a token goes on;
 * a revoked one is answered 401 `token-revoked`, one that cannot be read 401, and 503 when it cannot be told.
 */
export function refuseRevoked(denylist: TokenDenylist, { token = bearerToken }: RefuseRevokedOptions = {}): Middleware {
  return (request, response, next) => {
    const goOn = (verdict: DenylistVerdict): void => {
      const refusal = refusalOf(verdict)
      if (refusal === undefined) next()
      else sendAnswer(response, refusal)
    }
    const presented = token(request)
    const checking = presented === undefined || presented === '' ? ({ status: 'clear' } as const) : denylist.check(presented)
    if (checking instanceof Promise) checking.then(goOn).catch(next)
    else goOn(checking)
  }
}
