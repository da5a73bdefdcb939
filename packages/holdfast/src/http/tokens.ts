/** Sessions carried by access and refresh tokens: what an app starts, and the one route that exchanges them. */
import type { TokensInput } from '../engine/api.ts'
import { HoldfastError, invalidField } from '../engine/errors.ts'
import { checkInput } from '../engine/inputs.ts'
import type { RefreshVerdict, Session } from '../engine/session.ts'
import { tokenKinds } from '../engine/token.ts'
import { deadReasons } from '../shared/codes.ts'
import type { TokensWire } from '../shared/wire.ts'
import type { Attributes } from '../store/store.ts'
import { readJson } from './body.ts'
import { expireCookies, markPrivate, requireOwnPage, requireTold, setRefreshCookies } from './changes.ts'
import { readCookie } from './cookies.ts'
import { bearerIn, unreadable } from './credentials.ts'
import type { Exchange } from './exchange.ts'
import { unknownFields } from './fields.ts'
import { requestRules } from './inputs.ts'
import { type Answer, jsonAnswer, problemAnswer } from './problem.ts'
import { sessionWire, type TokenPair, tokenPairWire } from './wire.ts'

export interface TokenSignInInput<A extends Attributes = Attributes>
  extends Omit<TokensInput<A>, 'context' | 'replaces' | 'promotes'> {
  /**
   * How the client will carry the refresh token. `cookie`: a browser, which script never shows it; it is sent to the
   * refresh route alone. `body`: the app hands it over. Default `body`.
   */
  readonly carrier?: 'body' | 'cookie'
  /** As for `signIn`. */
  readonly allowCrossSite?: true
}

export interface DeliveredTokens<A extends Attributes = Attributes> extends TokenPair {
  readonly session: Session<A>
}

export async function issueTokens<A extends Attributes>(
  exchange: Exchange<A>,
  given: TokenSignInInput<A>,
): Promise<DeliveredTokens<A>> {
  checkInput(given, 'input', requestRules.issueTokens)
  const { allowCrossSite, carrier = 'body', ...input } = given
  const { core, session, context, credential } = exchange
  exchange.requireTransport()
  requireTold(exchange)
  if (allowCrossSite !== true) requireOwnPage(exchange)
  await core.limits.signIn.spend(context.ip)
  // A browser has one session: tokens in its cookie take the place of the one it came with.
  const before = session === null ? {} : session.anonymous ? { promotes: session.id } : { replaces: session.id }
  const keeps = carrier === 'body' && session !== null && !session.anonymous
  const issued = await core.engine.issueTokens({ ...input, ...(keeps ? {} : before), context } as TokensInput<A>)
  markPrivate(exchange)
  if (!keeps) exchange.adopt(issued.session)
  if (carrier === 'body') return issued
  if (credential.source === 'cookie') expireCookies(exchange)
  setRefreshCookies(exchange, issued)
  return { ...issued, refreshToken: null }
}

/** A refresh token as presented, and whether a browser may have been made to send it. */
interface Presented {
  readonly token: string
  readonly ambient: boolean
}

function bearerOf({ carrier }: Exchange): string | undefined {
  const token = bearerIn(carrier.authorization ?? '')
  // An access token in this header is the client's habit, not what it wants exchanged.
  return token === unreadable || token?.startsWith(tokenKinds.refresh) ? token : undefined
}

async function presentedTo(exchange: Exchange): Promise<Presented | undefined> {
  const body = await readJson(exchange.carrier)
  const fields = unknownFields(Object.keys(body), ['refresh_token'])
  if (fields.length > 0) throw new HoldfastError('invalid-request', { fields })
  const { refresh_token: given } = body
  if (given !== undefined && typeof given !== 'string') throw invalidField('refresh_token', 'must be text')
  const bearer = bearerOf(exchange)
  if (given !== undefined && bearer !== undefined) throw invalidField('refresh_token', 'must be presented once')
  const explicit = given ?? bearer
  if (explicit !== undefined) return { token: explicit, ambient: false }
  const cookie = readCookie(exchange.carrier.headers.cookie, exchange.core.refreshCookie.name(exchange.transport))
  return cookie === undefined || cookie === '' ? undefined : { token: cookie ?? unreadable, ambient: true }
}

/** The two checks of `gate.ts`, for the session that the refresh token names: no other credential vouches for it. */
function forgeryProblem(exchange: Exchange, token: string): string | undefined {
  const detail = exchange.sourceProblem()
  if (detail !== undefined) return detail
  const id = exchange.core.engine.sessionOf(token)
  return id === undefined ? undefined : exchange.csrfTokenProblem(id)
}

export async function refreshTokens(exchange: Exchange): Promise<Answer> {
  exchange.requireTransport()
  const { core, context } = exchange
  const presented = await presentedTo(exchange)
  if (presented === undefined) return problemAnswer('session-required')
  const { token, ambient } = presented
  if (ambient) {
    const detail = forgeryProblem(exchange, token)
    if (detail !== undefined) return problemAnswer('csrf-failed', { detail })
  }
  await core.limits.refresh.spend(context.ip)
  const verdict = await core.engine.refresh(token, context)
  if (verdict.status !== 'live') return refusalOf(exchange, verdict)
  if (ambient) setRefreshCookies(exchange, verdict)
  const pair = tokenPairWire(ambient ? { ...verdict, refreshToken: null } : verdict, core.clock.now())
  const { session } = verdict
  return jsonAnswer(200, { ...pair, session: sessionWire(session, session.id) } satisfies TokensWire)
}

function refusalOf({ core, context }: Exchange, verdict: Exclude<RefreshVerdict, { readonly status: 'live' }>): Answer {
  if (verdict.status === 'unknown') return problemAnswer(verdict.code, { retryAfter: verdict.retryAfter })
  // Only what nobody here made is counted, as with every other token.
  if (verdict.reason === 'invalid') core.limits.failedToken.spend(context.ip)
  return problemAnswer(deadReasons[verdict.reason], { challenge: 'Bearer error="invalid_token"' })
}
