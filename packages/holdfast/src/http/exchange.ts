/** One request as Holdfast sees it: what it presented, what was decided, and the changes it may ask for. */
import type { ApiKey } from '../defence/api-keys.ts'
import { originOf, sourceProblem, tokenProblem } from '../defence/csrf.ts'
import type { ConnectionEnd, VerifyOptions } from '../engine/api.ts'
import { HoldfastError } from '../engine/errors.ts'
import type { RequestContext, Session, Verdict } from '../engine/session.ts'
import type { DeadReason } from '../shared/codes.ts'
import { csrfHeader } from '../shared/names.ts'
import type { Attributes, Awaitable, SessionId } from '../store/store.ts'
import { insecureDetail, type Transport } from './address.ts'
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
import type { HoldfastRequest } from './request.ts'
import { type DeliveredTokens, issueTokens, type TokenSignInInput } from './tokens.ts'
import { type Visit, type VisitInput, visit } from './visitors.ts'

const missing: Verdict<never> = Object.freeze({ status: 'dead', reason: 'missing' })

/** Private fields throughout: an app that logs its request or turns it into JSON must not show the credential. */
export class Exchange<A extends Attributes = Attributes> implements HoldfastRequest<A> {
  readonly #core: HttpCore<A>
  readonly #carrier: Carrier
  readonly #transport: Transport
  readonly #credential: Credential
  readonly #context: RequestContext
  #verdict: Verdict<A> = missing
  /** Whether the session is one that this request began or changed, not the one that its credential named. */
  #isAdopted = false
  #tooManyForgeries: HoldfastError | undefined
  #apiKey: ApiKey | null = null
  #deviceProof: string | null = null

  constructor(core: HttpCore<A>, carrier: Carrier) {
    const { headers } = carrier
    const { transport, ip } = core.addresses.arrivalOf(carrier, headers)
    this.#core = core
    this.#carrier = carrier
    this.#transport = transport
    this.#credential = readCredential(carrier, headers, core.cookies.names(transport).session, core.acceptsJwt)
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
  check(options?: VerifyOptions): Awaitable<void> {
    const { token } = this.#credential
    if (token === null) return undefined
    const verdict = this.#core.engine.verify(token, this.#context, options)
    return verdict instanceof Promise ? verdict.then((settled) => this.#settle(settled)) : this.#settle(verdict)
  }

  /**
   * Asks the store about a session that was found live, whatever this node remembers of it. Not where this request began
   * the session itself: its credential is an older one.
   */
  recheck(): Awaitable<void> {
    return this.session === null || this.#isAdopted ? undefined : this.check({ fresh: true })
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
    this.#isAdopted = true
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
