/**
 * Express 5.
 *
 * @example
 * app.use(holdfastExpress(holdfast))
 * app.get('/me', requireSession(), (request, response) => response.json({ subject: request.holdfast.subject }))
 * app.use(holdfastErrors())
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Holdfast } from '../holdfast.ts'
import type { RegisteredAttributes } from '../http/register.ts'
import type { HoldfastRequest } from '../http/request.ts'
import type { Attributes } from '../store/store.ts'
import { holdfastNode, type NodeMiddleware, type NodeNext, sendProblem } from './node.ts'

export {
  type ApiKeyRequirement,
  anonymousStream,
  guardSockets,
  type HeldRequest,
  requireApiKey,
  requireSession,
  type SessionRequirement,
  type SocketSession,
  startStream,
} from './node.ts'

declare global {
  namespace Express {
    interface Request {
      readonly holdfast: HoldfastRequest<RegisteredAttributes>
    }
  }
}

export type ExpressErrorMiddleware = (error: unknown, request: IncomingMessage, response: ServerResponse, next: NodeNext) => void

/** Puts `request.holdfast` on each request, refuses forged ones and answers the mounted routes. */
export function holdfastExpress<A extends Attributes>(holdfast: Holdfast<A>): NodeMiddleware {
  return holdfastNode(holdfast)
}

/** Error middleware, after the routes: answers what `signIn` and its like throw as problem documents. */
export function holdfastErrors(): ExpressErrorMiddleware {
  return (error, _request, response, next) => {
    if (!sendProblem(error, response)) next(error)
  }
}
