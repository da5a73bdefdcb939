/**
 * Visitors who are not signed in, over HTTP: the session that a request names is resumed by its proof token alone,
 * or a new one is started. A session id is a public name: whoever presents one and no token learns nothing of it.
 */
import { HoldfastError } from '../engine/errors.ts'
import { checkInput } from '../engine/inputs.ts'
import type { Session } from '../engine/session.ts'
import { anonymousTokenHeader } from '../shared/names.ts'
import type { Attributes, SessionId } from '../store/store.ts'
import { type Delivered, markPrivate, requireTold, type StartAnonymousInput, startAnonymous } from './changes.ts'
import type { Exchange } from './exchange.ts'
import { requestRules } from './inputs.ts'

export interface VisitInput<A extends Attributes = Attributes> extends StartAnonymousInput<A> {
  /** The session that the request names, such as the conversation of its URL. Then it is resumed or refused, never started. */
  readonly session?: SessionId | undefined
}

export interface Visit<A extends Attributes = Attributes> extends Delivered<A> {
  readonly outcome: 'created' | 'resumed'
}

function refuse(): never {
  throw new HoldfastError('anonymous-token-invalid')
}

/** Gives the token back on each resume, so that a client which lost track of the header still finds it there. */
function resume<A extends Attributes>(exchange: Exchange<A>, session: Session<A>): Visit<A> {
  const { credential, carrier } = exchange
  if (credential.source !== 'anonymous-header') return { outcome: 'resumed', session, token: null }
  carrier.setHeader(anonymousTokenHeader, credential.token ?? '')
  markPrivate(exchange)
  return { outcome: 'resumed', session, token: credential.token }
}

/**
 * The session of this visit. A live one is resumed when it is the one named, if any is; a token that does not open
 * it, or none for a named session, is refused with one answer, whether the session exists or not.
 */
export async function visit<A extends Attributes>(exchange: Exchange<A>, input: VisitInput<A>): Promise<Visit<A>> {
  checkInput(input, 'input', requestRules.visit)
  const { session: named, ...start } = input
  const { verdict, credential } = exchange
  requireTold(exchange)
  if (verdict.status === 'live') {
    return named === undefined || named === verdict.session.id ? resume(exchange, verdict.session) : refuse()
  }
  // A cookie is sent by itself, also when it is stale: without a name it asks for nothing.
  if (named !== undefined || credential.source === 'anonymous-header') return refuse()
  const { session, token } = await startAnonymous(exchange, start)
  return { outcome: 'created', session, token }
}
