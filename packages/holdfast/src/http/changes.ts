/** What a request may change about its session: sign in, out, step up, regenerate, start as a visitor. */

import { isUnsafeMethod } from '../defence/csrf.ts'
import { deviceLifetimeMs } from '../defence/devices.ts'
import type { ElevateInput, IssueInput } from '../engine/api.ts'
import { HoldfastError } from '../engine/errors.ts'
import { checkInput } from '../engine/inputs.ts'
import type { Issued, IssuedTokens, Session } from '../engine/session.ts'
import { anonymousTokenHeader } from '../shared/names.ts'
import type { Attributes } from '../store/store.ts'
import type { Exchange } from './exchange.ts'
import { requestRules } from './inputs.ts'
import type { CookieChange, CookieLifetime } from './session-cookies.ts'

export interface SignInInput<A extends Attributes = Attributes> extends Omit<IssueInput<A>, 'context' | 'replaces'> {
  /**
   * For a request that another site rightly makes, such as the redirect of an identity provider or a link in a
   * web mail, after the app has checked its one-time state. Otherwise a page elsewhere could sign a visitor in
   * as somebody else (login CSRF).
   */
  readonly allowCrossSite?: true
}

export type StepUpInput = Omit<ElevateInput, 'context'>

export interface StartAnonymousInput<A extends Attributes = Attributes> {
  readonly attributes?: A
  /** How the client will carry it. `header`: the token is in the response header. Default `header`. */
  readonly carrier?: 'header' | 'cookie'
}

export interface Delivered<A extends Attributes = Attributes> {
  readonly session: Session<A>
  /** Null when a cookie carries it. A client that authenticates by header must be given this, once. */
  readonly token: string | null
  /** Present when the one before it is dead; null when a cookie carries it. As for `token`. */
  readonly refreshToken?: string | null
}

export interface AnonymousStart<A extends Attributes = Attributes> extends Delivered<A> {
  /** False when the request had a session already; that one is returned. */
  readonly started: boolean
}

/** Changes of the session are for one client alone: no cache may keep the answer (ASVS 14.2.2). */
export function markPrivate<A extends Attributes>({ carrier }: Exchange<A>): void {
  carrier.setHeader('cache-control', 'no-store')
}

export function lifetimeOf<A extends Attributes>({ core }: Exchange<A>, session: Session<A>): CookieLifetime {
  const { persistent, absoluteExpiresAt } = session
  return { persistent, absoluteExpiresAt, now: core.clock.now() }
}

/** Hands the browser what is for it alone. */
function putCookies<A extends Attributes>(exchange: Exchange<A>, changes: readonly CookieChange[]): void {
  for (const { name, line } of changes) exchange.carrier.setCookie(name, line)
  markPrivate(exchange)
}

function setCookies<A extends Attributes>(exchange: Exchange<A>, { session, token }: Issued<A>): void {
  const { core, transport } = exchange
  const lifetime = lifetimeOf(exchange, session)
  const changes = [
    core.cookies.session(transport, token, lifetime),
    core.cookies.csrf(transport, core.engine.csrfToken(session.id), lifetime),
  ]
  const { deviceProof } = exchange
  // After a password was right, and only beside a session: an answer that could not give one leaves every cookie alone.
  if (deviceProof !== null) changes.push(core.cookies.device(transport, deviceProof, deviceLifetimeMs / 1000))
  putCookies(exchange, changes)
}

/** The cookies of a session whose refresh token a browser carries. */
export function setRefreshCookies<A extends Attributes>(
  exchange: Exchange<A>,
  { session, refreshToken }: Pick<IssuedTokens<A>, 'session' | 'refreshToken'>,
): void {
  const { core, transport } = exchange
  const lifetime = lifetimeOf(exchange, session)
  putCookies(exchange, [
    core.refreshCookie.set(transport, refreshToken, lifetime),
    core.cookies.csrf(transport, core.engine.csrfToken(session.id), lifetime),
  ])
}

/**
 * Whether it is a browser that carries the session's refresh token. No other route is sent that cookie, but the CSRF cookie
 * beside it is, and that is of this session only where both were set.
 */
function keepsRefreshCookie<A extends Attributes>({ core, csrfCookie }: Exchange<A>, { id }: Session<A>): boolean {
  return typeof csrfCookie === 'string' && core.engine.checkCsrfToken(id, csrfCookie)
}

/**
 * Sets the CSRF cookie again when the browser lost it or holds another session's: without it the user could change
 * nothing until the next sign-in. It is no credential, and a wrong one only refuses.
 */
export function restoreCsrfCookie<A extends Attributes>(exchange: Exchange<A>, session: Session<A>): void {
  const { core, carrier, credential, transport } = exchange
  if (credential.source !== 'cookie') return
  const token = core.engine.csrfToken(session.id)
  if (exchange.csrfCookie === token) return
  const { name, line } = core.cookies.csrf(transport, token, lifetimeOf(exchange, session))
  carrier.setCookie(name, line)
}

export function expireCookies<A extends Attributes>(exchange: Exchange<A>): void {
  if (exchange.transport === 'refused') return
  putCookies(exchange, exchange.core.cookies.expired(exchange.transport))
}

function handOverInHeader<A extends Attributes>(exchange: Exchange<A>, issued: Issued<A>): Delivered<A> {
  exchange.carrier.setHeader(anonymousTokenHeader, issued.token)
  markPrivate(exchange)
  return issued
}

/** Hands the secret to the client the way it authenticates, and makes the session the request's own. */
function deliver<A extends Attributes>(exchange: Exchange<A>, issued: Issued<A>): Delivered<A> {
  exchange.adopt(issued.session)
  const { session, token, refreshToken } = issued
  if (refreshToken !== undefined && keepsRefreshCookie(exchange, session)) {
    setRefreshCookies(exchange, { session, refreshToken })
    return { session, token, refreshToken: null }
  }
  const { source } = exchange.credential
  if (source === 'bearer') {
    markPrivate(exchange)
    return issued
  }
  if (source === 'anonymous-header' && issued.session.anonymous) return handOverInHeader(exchange, issued)
  setCookies(exchange, issued)
  return { session, token: null }
}

export function requireOwnPage<A extends Attributes>(exchange: Exchange<A>): void {
  const detail = exchange.sourceProblem()
  if (detail !== undefined) throw new HoldfastError('csrf-failed', { detail })
}

async function issueFor<A extends Attributes>(exchange: Exchange<A>, input: IssueInput<A>): Promise<Issued<A>> {
  const { engine } = exchange.core
  const { session } = exchange
  if (session === null) return engine.issue(input)
  if (!session.anonymous) return engine.issue({ ...input, replaces: session.id })
  // Ended or promoted by another request meanwhile: there is nothing left to carry over.
  return (await engine.promote(session.id, input)) ?? engine.issue(input)
}

/** Throws when it cannot be told whether the request has a session. */
export function requireTold<A extends Attributes>({ verdict }: Exchange<A>): void {
  if (verdict.status === 'unknown') throw new HoldfastError(verdict.code, { retryAfter: verdict.retryAfter })
}

export async function signIn<A extends Attributes>(exchange: Exchange<A>, input: SignInInput<A>): Promise<Delivered<A>> {
  checkInput(input, 'input', requestRules.signIn)
  const { allowCrossSite, ...identity } = input
  exchange.requireTransport()
  // The new cookie takes the place of the old one, whose session would live on with nobody to end it but a thief.
  requireTold(exchange)
  if (allowCrossSite !== true) requireOwnPage(exchange)
  await exchange.core.limits.signIn.spend(exchange.context.ip)
  return deliver(exchange, await issueFor(exchange, { ...identity, context: exchange.context }))
}

/** The live session of the request, or why there is none, thrown. */
function requireLive<A extends Attributes>(exchange: Exchange<A>): Session<A> {
  const { verdict } = exchange
  if (verdict.status === 'live') return verdict.session
  requireTold(exchange)
  throw new HoldfastError('session-required')
}

function endedMeanwhile<A extends Attributes>(exchange: Exchange<A>): never {
  exchange.end('superseded')
  throw new HoldfastError('session-revoked')
}

/** Takes over the new secret of the same session; `undefined` means that the session ended meanwhile. */
function deliverReplaced<A extends Attributes>(exchange: Exchange<A>, issued: Issued<A> | undefined): Delivered<A> {
  return issued === undefined ? endedMeanwhile(exchange) : deliver(exchange, issued)
}

export async function elevate<A extends Attributes>(exchange: Exchange<A>, input: StepUpInput): Promise<Delivered<A>> {
  const { id } = requireLive(exchange)
  return deliverReplaced(exchange, await exchange.core.engine.elevate(id, { ...input, context: exchange.context }))
}

export async function regenerate<A extends Attributes>(exchange: Exchange<A>): Promise<Delivered<A>> {
  const { id } = requireLive(exchange)
  return deliverReplaced(exchange, await exchange.core.engine.regenerate(id))
}

export async function update<A extends Attributes>(exchange: Exchange<A>, change: (attributes: A) => A): Promise<Session<A>> {
  const session = requireLive(exchange)
  const changed = await exchange.core.engine.update(session.id, change)
  if (changed === undefined) return endedMeanwhile(exchange)
  // The rest stays as this request was checked: the record does not know what its credential may not do.
  const adopted = Object.freeze({ ...session, attributes: changed.attributes })
  exchange.adopt(adopted)
  return adopted
}

/** Records the end of the session. When the check could not tell whether there is one, its token says which. */
async function recordEnd<A extends Attributes>({ core, verdict, credential }: Exchange<A>): Promise<void> {
  if (verdict.status === 'live') await core.engine.revoke({ session: verdict.session.id }, { reason: 'logout' })
  else if (verdict.status === 'unknown' && credential.token !== null) await core.engine.revokeToken(credential.token)
}

export async function signOut<A extends Attributes>(exchange: Exchange<A>): Promise<void> {
  const { core, carrier, transport } = exchange
  const byTokens = exchange.session !== null && exchange.session.grant !== null
  try {
    await recordEnd(exchange)
  } finally {
    expireCookies(exchange)
    if (byTokens && transport !== 'refused') {
      const { name, line } = core.refreshCookie.expired(transport)
      carrier.setCookie(name, line)
    }
    // Clear-Site-Data is for secure responses only.
    if (core.settings.clearSiteData !== null && transport === 'secure') {
      carrier.setHeader('clear-site-data', core.settings.clearSiteData)
    }
    exchange.end('logout')
  }
}

export async function startAnonymous<A extends Attributes>(
  exchange: Exchange<A>,
  input: StartAnonymousInput<A>,
): Promise<AnonymousStart<A>> {
  checkInput(input, 'input', requestRules.startAnonymous)
  const { attributes, carrier = 'header' } = input
  const { core, verdict, context, credential } = exchange
  if (verdict.status === 'live') return { session: verdict.session, token: null, started: false }
  requireTold(exchange)
  exchange.requireTransport()
  // A first visit may follow a link from anywhere; only what changes something has to come from our own pages.
  if (isUnsafeMethod(exchange.carrier.method)) requireOwnPage(exchange)
  await core.limits.anonymous.spend(context.ip)
  // After the source's own: what one source is refused must not use up what is for all.
  await core.limits.allAnonymous.spendFor('')
  const issued = await core.engine.issueAnonymous({ context, ...(attributes === undefined ? {} : { attributes }) })
  exchange.adopt(issued.session)
  if (carrier === 'cookie') {
    setCookies(exchange, issued)
    return { session: issued.session, token: null, started: true }
  }
  // A dead session cookie would win over the header from the next request on.
  if (credential.source === 'cookie') expireCookies(exchange)
  return { ...handOverInHeader(exchange, issued), started: true }
}
