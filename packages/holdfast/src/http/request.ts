/** What an app finds on its request: what is known of the session, and the changes it may ask for. */
import type { ApiKey } from '../defence/api-keys.ts'
import type { ConnectionEnd } from '../engine/api.ts'
import type { Session, Verdict } from '../engine/session.ts'
import type { Attributes } from '../store/store.ts'
import type { SignInAttempt, SignInAttemptInput } from './attempt.ts'
import type { AnonymousStart, Delivered, SignInInput, StartAnonymousInput, StepUpInput } from './changes.ts'
import type { DeliveredTokens, TokenSignInInput } from './tokens.ts'
import type { Visit, VisitInput } from './visitors.ts'

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
