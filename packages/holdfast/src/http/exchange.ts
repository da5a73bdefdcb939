/** One request as Holdfast sees it: what it presented, what was decided, and the changes it may ask for. */
import type { ApiKey } from '../defence/api-keys.ts'
import { originOf, sourceProblem, tokenProblem } from '../defence/csrf.ts'
import type { ConnectionEnd } from '../engine/api.ts'
import { HoldfastError } from '../engine/errors.ts'
import type { RequestContext, Session, Verdict } from '../engine/session.ts'
import type { DeadReason } from '../shared/codes.ts'
import { csrfHeader } from '../shared/names.ts'
import type { Attributes, Awaitable, SessionId } from '../store/store.ts'
import type { Transport } from './address.ts'
import { attempt, type SignInAttempt, type SignInAttemptInput } from './attempt.ts'
import type { Carrier } from './carrier.ts'
import {
  type AnonymousStart,
  type Delivered,
  elevate,
  regenerate,
  type SignInInput,
  type StartAnonymousInput,
  type StepUpInput,
  signIn,
  signOut,
  startAnonymous,
  update,
} from './changes.ts'
import { readCookie } from './cookies.ts'
import type { HttpCore } from './core.ts'
import { type Credential, readCredential } from './credentials.ts'
import { type DeliveredTokens, issueTokens, type TokenSignInInput } from './tokens.ts'
import { type Visit, type VisitInput, visit } from './visitors.ts'

/** What an app finds on its request. */
export interface HoldfastRequest<A extends Attributes = Attributes> {
  /** What is known of the presented credential; `unknown` is neither signed in nor signed out. */
  readonly verdict: Verdict<A>
  /** The live session; null when there is none or it cannot be told. */
  readonly session: Session<A> | null
  /** Whose session it is; null for visitors. */
  readonly subject: string | null
  /** Whether there is a session and it is an anonymous visitor's. */
  readonly anonymous: boolean
  /** What a page repeats in `X-CSRF-Token`; null without a session. */
  readonly csrfToken: string | null
  /** The API key that `requireApiKey` let pass; null before it and without one. */
  readonly apiKey: ApiKey | null
  /** The client's address, through the trusted proxies; `undefined` when the server does not tell. */
  readonly ip: string | undefined
  /**
   * Why the page that made this request is not believed (Origin, Fetch Metadata), fit to be shown; `undefined` when it
   * is. `signIn` asks by itself; a route that does work before it, such as checking a password, asks first.
   */
  sourceProblem(): string | undefined
  /** Throws `insecure-transport` unless a credential may travel over this connection. `signIn` and its like ask by themselves. */
  requireTransport(): void
  /**
   * Counts a sign-in attempt before its password is looked at: lockout and the limit per source. Throws `rate-limited`,
   * `csrf-failed`, and `store-unavailable` when it cannot be counted.
   */
  attempt(input: SignInAttemptInput): Promise<SignInAttempt>
  /**
   * Starts a session for a subject whose identity the app has just checked, and sets its cookies. The session that
   * the request came with ends: an anonymous one is promoted, another one replaced. Throws `csrf-failed` when
   * another site's page made the request, `rate-limited` when the source's budget is spent, `insecure-transport`,
   * `session-limit`, `invalid-request`, `store-unavailable`.
   */
  signIn(input: SignInInput<A>): Promise<Delivered<A>>
  /**
   * Signs in as `signIn`, with access and refresh tokens. An anonymous session is promoted; a signed-in one is replaced
   * where the refresh token goes into a cookie, and stays where the tokens are for another client. Throws as `signIn`.
   */
  issueTokens(input: TokenSignInInput<A>): Promise<DeliveredTokens<A>>
  /** Ends the session, then expires its cookies. Throws `store-unavailable` when that could not be recorded; the cookies go all the same. */
  signOut(): Promise<void>
  /** Records a step-up and replaces the secret. Throws `session-required` or `session-revoked` when the session is not live. */
  elevate(input: StepUpInput): Promise<Delivered<A>>
  /** Replaces the secret after a credential change; the old one is dead at once. Throws as `elevate`. */
  regenerate(): Promise<Delivered<A>>
  /** Changes what the session carries, for this request and those that come. Throws as `elevate`, and `invalid-request` by the schema. */
  update(change: (attributes: A) => A): Promise<Session<A>>
  /** Starts an anonymous session, unless there is a session already. Throws `rate-limited` when the source's budget is spent. */
  startAnonymous(input?: StartAnonymousInput<A>): Promise<AnonymousStart<A>>
  /**
   * Ties a connection that the app keeps open by itself to the session of this request: `close` is called once when the
   * session ends. Returns a function to call when the connection ends. Throws `session-required` without a session.
   */
  attach(close: (end: ConnectionEnd) => void): () => void
  /**
   * The session of a visit: resumed by the credential of the request, or created for a visitor who presents none. With
   * `session` the request names the one that it means. A visitor's token that is wrong, spent or of another session,
   * or none for a named one, throws `anonymous-token-invalid`, whether that session exists or not. Throws as
   * `startAnonymous` besides.
   */
  visit(input?: VisitInput<A>): Promise<Visit<A>>
}

const missing: Verdict<never> = Object.freeze({ status: 'dead', reason: 'missing' })

/** Private fields throughout: an app that logs its request or turns it into JSON must not show the credential. */
export class Exchange<A extends Attributes = Attributes> implements HoldfastRequest<A> {
  readonly #core: HttpCore<A>
  readonly #carrier: Carrier
  readonly #transport: Transport
  readonly #credential: Credential
  readonly #context: RequestContext
  #verdict: Verdict<A> = missing
  #tooManyForgeries: HoldfastError | undefined
  #apiKey: ApiKey | null = null
  #deviceProof: string | null = null

  constructor(core: HttpCore<A>, carrier: Carrier) {
    const { headers } = carrier
    const { transport, ip } = core.addresses.arrivalOf(carrier, headers)
    this.#core = core
    this.#carrier = carrier
    this.#transport = transport
    this.#credential = readCredential(headers, core.cookies.names(transport).session, core.acceptsJwt)
    this.#context = { ip, userAgent: headers['user-agent'] }
  }

  get core(): HttpCore<A> {
    return this.#core
  }

  get carrier(): Carrier {
    return this.#carrier
  }

  get transport(): Transport {
    return this.#transport
  }

  get credential(): Credential {
    return this.#credential
  }

  get context(): RequestContext {
    return this.#context
  }

  /** Checks the credential. At once when this node knows it: then no promise is made. */
  check(): Awaitable<void> {
    const { token } = this.#credential
    if (token === null) return undefined
    const verdict = this.#core.engine.verify(token, this.#context)
    return verdict instanceof Promise ? verdict.then((settled) => this.#settle(settled)) : this.#settle(verdict)
  }

  /** Checks a ticket, and spends it. */
  async redeem(ticket: string): Promise<void> {
    this.#settle(await this.#core.engine.redeemTicket(ticket, this.#context))
  }

  #settle(verdict: Verdict<A>): void {
    this.#verdict = verdict
    // Only a token that nobody here issued is counted, so that whoever shares a network with a robot notices nothing.
    if (verdict.status === 'dead' && verdict.reason === 'invalid') {
      this.#tooManyForgeries = this.#core.limits.failedToken.refusalOf(this.#context.ip)
    }
  }

  /** What this source is told instead of what its token is; `undefined` while it has a budget of invalid ones. */
  get tooManyForgeries(): HoldfastError | undefined {
    return this.#tooManyForgeries
  }

  /** What the next cookies of a session tell beside it: that this browser is a known device. */
  get deviceProof(): string | null {
    return this.#deviceProof
  }

  set deviceProof(proof: string) {
    this.#deviceProof = proof
  }

  get verdict(): Verdict<A> {
    return this.#verdict
  }

  get session(): Session<A> | null {
    return this.#verdict.status === 'live' ? this.#verdict.session : null
  }

  get subject(): string | null {
    return this.session?.subject ?? null
  }

  get anonymous(): boolean {
    return this.session?.anonymous ?? false
  }

  get csrfToken(): string | null {
    const { session } = this
    return session === null ? null : this.#core.engine.csrfToken(session.id)
  }

  get apiKey(): ApiKey | null {
    return this.#apiKey
  }

  /** The key that the request may act by from here on. */
  admitKey(key: ApiKey): void {
    this.#apiKey = key
  }

  /** The session of the request from here on. */
  adopt(session: Session<A>): void {
    this.#verdict = { status: 'live', session }
  }

  /** No session from here on. */
  end(reason: DeadReason): void {
    this.#verdict = { status: 'dead', reason }
  }

  get ip(): string | undefined {
    return this.#context.ip
  }

  sourceProblem(): string | undefined {
    const { settings, addresses } = this.#core
    return sourceProblem(
      { site: this.#carrier.headers['sec-fetch-site'], origin: this.#carrier.headers.origin },
      {
        own: settings.origin ?? originOf(addresses.schemeOf(this.#carrier), this.#carrier.host),
        listed: settings.origins,
      },
    )
  }

  /** The CSRF cookie: null when it must not be read, as one present twice. */
  get csrfCookie(): string | null | undefined {
    return readCookie(this.#carrier.headers.cookie, this.#core.cookies.names(this.#transport).csrf)
  }

  /** Why the CSRF token of this request, in its cookie and its header, is not that of a session; `undefined` when it is. */
  csrfTokenProblem(session: SessionId): string | undefined {
    return tokenProblem({
      cookie: this.csrfCookie,
      header: this.#carrier.headers[csrfHeader],
      isOfSession: (token) => this.#core.engine.checkCsrfToken(session, token),
    })
  }

  requireTransport(): void {
    if (this.#transport === 'refused') throw new HoldfastError('insecure-transport', { detail: insecureDetail })
  }

  /** Where an adapter prepares what a change throws for its framework. */
  protected changed<T>(change: Promise<T>): Promise<T> {
    return change
  }

  attach(close: (end: ConnectionEnd) => void): () => void {
    const { session } = this
    if (session === null) throw new HoldfastError('session-required')
    return this.#core.engine.attach(session, close)
  }

  attempt(input: SignInAttemptInput): Promise<SignInAttempt> {
    return this.changed(attempt(this, input))
  }

  signIn(input: SignInInput<A>): Promise<Delivered<A>> {
    return this.changed(signIn(this, input))
  }

  issueTokens(input: TokenSignInInput<A>): Promise<DeliveredTokens<A>> {
    return this.changed(issueTokens(this, input))
  }

  signOut(): Promise<void> {
    return this.changed(signOut(this))
  }

  elevate(input: StepUpInput): Promise<Delivered<A>> {
    return this.changed(elevate(this, input))
  }

  regenerate(): Promise<Delivered<A>> {
    return this.changed(regenerate(this))
  }

  update(change: (attributes: A) => A): Promise<Session<A>> {
    return this.changed(update(this, change))
  }

  startAnonymous(input: StartAnonymousInput<A> = {}): Promise<AnonymousStart<A>> {
    return this.changed(startAnonymous(this, input))
  }

  visit(input: VisitInput<A> = {}): Promise<Visit<A>> {
    return this.changed(visit(this, input))
  }
}

export const insecureDetail =
  'the connection is plain http on a host other than loopback; behind a proxy that ends TLS, list it in trustProxy'
