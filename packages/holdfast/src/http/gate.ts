/** What happens to a request before the app sees it: the transport, the credential, forgery, our own routes. */
import { isUnsafeMethod } from '../defence/csrf.ts'
import { atTurnsEnd } from '../engine/clock.ts'
import { sessionCookie } from '../shared/names.ts'
import type { Attributes, Awaitable } from '../store/store.ts'
import { insecureDetail } from './address.ts'
import { carriesCredential } from './credentials.ts'
import type { Exchange } from './exchange.ts'
import { type Answer, problemAnswer } from './problem.ts'
import { answerRoute } from './routes.ts'

function pathOf(target: string): string {
  const query = target.indexOf('?')
  return query === -1 ? target : target.slice(0, query)
}

/** Why a request that a cookie authenticates may be forged; `undefined` when it is not. */
function forgeryProblem<A extends Attributes>(exchange: Exchange<A>): string | undefined {
  const { core, carrier, session } = exchange
  if (session === null) return undefined
  const detail = exchange.sourceProblem()
  if (detail !== undefined || core.settings.originOnlyPaths.has(pathOf(carrier.target))) return detail
  return exchange.csrfTokenProblem(session.id)
}

function admit<A extends Attributes>(exchange: Exchange<A>): Awaitable<Answer | undefined> {
  const { carrier, credential, core } = exchange
  // Whatever the content type: forms, plain text and no type at all reach handlers too (CVE-2022-41919).
  if (credential.source === 'cookie' && isUnsafeMethod(carrier.method)) {
    const detail = forgeryProblem(exchange)
    if (detail !== undefined) return problemAnswer('csrf-failed', { detail })
  }
  return carrier.target.startsWith(core.settings.basePath) ? answerRoute(exchange, pathOf(carrier.target)) : undefined
}

/**
 * When a request goes on: at once when it presents nothing to check, so that a flood of such leaves no more behind than without us, and
 * else once all that arrived with it is read (`docs/decisions/0004`).
 */
export function inTurn<A extends Attributes>({ credential }: Exchange<A>, run: () => void): void {
  if (credential.token === null) run()
  else atTurnsEnd(run)
}

/**
 * Opens a request. An answer means that Holdfast answers itself; `undefined` that the app goes on. At once, without
 * a promise, when this node has verified the credential before. Throws only what is not ours.
 */
export function enter<A extends Attributes>(exchange: Exchange<A>): Awaitable<Answer | undefined> {
  if (exchange.transport === 'refused') {
    return carriesCredential(exchange.carrier, Object.values(sessionCookie), exchange.core.acceptsJwt)
      ? problemAnswer('insecure-transport', { detail: insecureDetail })
      : admit(exchange)
  }
  const checking = exchange.check()
  return checking instanceof Promise ? checking.then(() => admit(exchange)) : admit(exchange)
}
