/** The engine as its callers see it: every operation, its input and its answer. */
import type { RevocationReason } from '../shared/codes.ts'
import type { Attributes, Awaitable, Binding, Instant, Origin, SessionId, TokenGrant } from '../store/store.ts'
import type { EventInput, SecurityEvent } from './events.ts'
import type { JwkSet } from './jwt/keys.ts'
import type { Issued, IssuedTokens, RefreshContext, RefreshVerdict, RequestContext, Session, Verdict } from './session.ts'
import type { Stats } from './stats.ts'

export interface IssueInput<A extends Attributes = Attributes> {
  /** Whose session it is: a stable, never reused key, 1 to 256 characters without control characters. */
  readonly subject: string
  readonly attributes?: A
  readonly context?: RequestContext | undefined
  /** "Remember me": the longer limits, and a cookie that outlives the browser. Default false. */
  readonly remember?: boolean | undefined
  /** How the subject proved who they are (RFC 8176): at most 16 names of 1 to 256 printable ASCII characters. Default `[]`. */
  readonly amr?: readonly string[]
  /** The level of assurance that was reached: 1 to 256 printable ASCII characters. Default none. */
  readonly acr?: string
  /** When they did. Default now. */
  readonly authTime?: Instant
  readonly origin?: Origin
  readonly binding?: Partial<Pick<Binding, 'jkt' | 'deviceKey'>>
  /** The session of the same browser that this sign-in replaces; it ends in the same step. */
  readonly replaces?: SessionId | undefined
}

export interface TokensInput<A extends Attributes = Attributes> extends Omit<IssueInput<A>, 'remember'> {
  /** Of the access tokens. `jwt` needs the `jwt` option. Default `opaque`. */
  readonly format?: TokenGrant['format'] | undefined
  /** For whom the access tokens are (`aud`): 1 to 256 printable ASCII characters. */
  readonly audience?: string | undefined
  /** The OAuth client that alone may refresh: 1 to 256 printable ASCII characters. Default any. */
  readonly clientId?: string | undefined
  /** What lists call it, in place of the client's user agent: 1 to 64 characters. */
  readonly label?: string | undefined
  /** A visitor's session, if it is still live: its attributes are carried over (those given win), and it ends. */
  readonly promotes?: SessionId | undefined
}

export interface AnonymousInput<A extends Attributes = Attributes> {
  readonly attributes?: A
  readonly context?: RequestContext | undefined
}

export interface ElevateInput {
  /** Methods of the step-up, added to the session's; at most 16 together. */
  readonly amr: readonly string[]
  readonly acr?: string
  /** How long the step-up holds. Default: the `elevation` option (10 minutes). */
  readonly forMs?: number
  readonly context?: RequestContext | undefined
}

export interface VerifyOptions {
  /** Asks the store, whatever this node remembers. */
  readonly fresh?: boolean
}

export type RevokeSelector =
  | { readonly session: SessionId }
  | { readonly subject: string; readonly except?: SessionId | undefined }

export interface RevokeOptions {
  /** Default `admin`. */
  readonly reason?: RevocationReason
}

/** The answer of `introspect`. */
export type TokenVerdict<A extends Attributes = Attributes> =
  | {
      readonly status: 'live'
      readonly session: Session<A>
      /** When the token ends, if its session does not end before. */
      readonly expiresAt: Instant
      /** For whom it is; empty when it was granted for nobody in particular. */
      readonly audience: readonly string[]
      /** The `jti` of a JWT; null for an opaque token. */
      readonly tokenId: string | null
      /** Null for an opaque token, which does not say. */
      readonly issuedAt: Instant | null
      /** Thumbprint of the key that must be proved with it (RFC 9449); null when it is not bound to one. */
      readonly jkt: string | null
    }
  | Exclude<Verdict<A>, { readonly status: 'live' }>

export interface RevokeTokenOptions extends RevokeOptions {
  /** `tokens`: only a session that is carried by access and refresh tokens, not one with a secret of its own. */
  readonly carriedBy?: 'tokens'
}

export interface RevokeResult {
  /** Sessions that this call ended, each reported to one caller only. */
  readonly revoked: readonly SessionId[]
  /** Whether the revocation survives the loss of a node, by what the store can say. */
  readonly durable: boolean
}

export interface ListInput {
  /** Only this subject's; null: only anonymous visitors; absent: everyone's. */
  readonly subject?: string | null
  /** Default true: leaves out what has ended. */
  readonly liveOnly?: boolean
  /** `next` of the page before. */
  readonly cursor?: string | undefined
  /** 1 to 200. Default 50. */
  readonly limit?: number
}

export interface SessionList<A extends Attributes = Attributes> {
  readonly items: readonly Session<A>[]
  readonly next?: string
}

/**
 * Told to a live connection when it must end: its session was revoked or has expired; or the client is to connect again,
 * because this process closes, the secret that opened it was replaced (`regenerate`), or nobody can tell whether it lives.
 */
export type ConnectionEnd =
  | { readonly cause: 'revoked'; readonly reason: RevocationReason }
  | { readonly cause: 'expired' | 'closing' | 'superseded' | 'unknown' }

/** A live connection as the registry knows it. */
export interface LiveConnection {
  /** Whether what was received may be handled; "cannot tell" is false. A promise when the store has to be asked. */
  check(): Awaitable<boolean>
  /** Counts what the client just did as activity, so that the session does not idle out. */
  note(): void
  /** To be called when the connection ends by itself; then nothing closes it any more. */
  detach(): void
}

export interface IssuedTicket {
  /** The secret to hand to the client, once. */
  readonly ticket: string
  readonly expiresAt: Instant
}

export interface EngineApi<A extends Attributes = Attributes> {
  /** Starts a session. Throws `session-limit` when the cap is full and set to `refuse`, `invalid-request` on bad input. */
  issue(input: IssueInput<A>): Promise<Issued<A>>
  /** Starts a session for a visitor who is not signed in. */
  issueAnonymous(input?: AnonymousInput<A>): Promise<Issued<A>>
  /**
   * Signs an anonymous visitor in: a new id and secret carry the visitor's attributes (those given win), and the
   * anonymous session ends; the `promotion` option decides otherwise. `undefined` when the anonymous session is not live, or another call promoted it first.
   */
  promote(anonymous: SessionId, input: IssueInput<A>): Promise<Issued<A> | undefined>
  /**
   * Starts a session of its own that is carried by tokens: a short-lived access token, which `verify` takes, and a
   * refresh token, which only `refresh` takes. Throws as `issue`.
   */
  issueTokens(input: TokensInput<A>): Promise<IssuedTokens<A>>
  /**
   * Exchanges a refresh token for its successor and a new access token; earlier access tokens stay good until they
   * expire. Inside the `tokens.grace` the same client gets the same successor again. Any other use of a spent one is
   * reuse: the session ends (RFC 9700 section 4.14.2). Never throws.
   */
  refresh(token: string | null | undefined, context?: RefreshContext): Promise<RefreshVerdict<A>>
  /** The session that a token of ours names, dead or alive; `undefined` for what this service did not sign. Asks no store. */
  sessionOf(token: string): SessionId | undefined
  /** Checks a presented token. Answers at once when this node has verified it before; never throws. */
  verify(token: string | null | undefined, context?: RequestContext, options?: VerifyOptions): Awaitable<Verdict<A>>
  /**
   * What an access token is good for, for the introspection endpoint of an authorization server: whoever asks is somebody
   * else than its client and its audience, so neither is compared. Asks the store; counts as no activity; never throws.
   * Any other kind of token is dead.
   */
  introspect(token: string | null | undefined): Promise<TokenVerdict<A>>
  /** A new secret for the same session; the old one, and every token, is dead at once. `undefined` when the session is not live. */
  regenerate(session: SessionId): Promise<Issued<A> | undefined>
  /**
   * Records a step-up and replaces the secret; the old one stays good for ten seconds without the new rights.
   * `undefined` when the session is not live.
   */
  elevate(session: SessionId, input: ElevateInput): Promise<Issued<A> | undefined>
  /** Changes attributes of a live session; never creates or revives one. `undefined` when it is not live. */
  update(session: SessionId, change: (attributes: A) => A): Promise<Session<A> | undefined>
  /** By id, live or ended; `undefined` when there is none. */
  get(session: SessionId): Promise<Session<A> | undefined>
  list(input?: ListInput): Promise<SessionList<A>>
  revoke(target: RevokeSelector, options?: RevokeOptions): Promise<RevokeResult>
  /**
   * Ends the session that a token opens or refreshes, and with it every other token of that session (RFC 7009 2.1); a
   * token that is not good any more ends nothing. Throws `store-unavailable` when that could not be recorded: this node
   * refuses the session all the same, and repeats.
   */
  revokeToken(token: string, options?: RevokeTokenOptions): Promise<RevokeResult>
  /** Everyone out: ends every session that exists now. */
  revokeAll(): Promise<{ readonly durable: boolean }>
  /** Deletes records whose retention has passed; returns how many. Runs by itself every five minutes. */
  sweep(): Promise<number>
  /** Listens to security events; returns a function that stops. A listener that throws is logged and left alone. */
  on(listener: (event: SecurityEvent) => void): () => void
  /** What this node counted since it started, and how it stands: cheap enough to be asked for at every scrape. */
  stats(): Stats
  /** Tells an event of the app's own (a sign-in that failed, an account that changed) to the same listeners. */
  emit(event: EventInput): void
  /**
   * Ties a live connection (SSE, WebSocket) to its session: `close` is called once when the session ends.
   * Returns a function to call when the connection ends by itself.
   */
  attach(session: Session<A>, close: (end: ConnectionEnd) => void): () => void
  /** `attach` for a connection that also receives: each thing received is checked first. */
  connect(session: Session<A>, close: (end: ConnectionEnd) => void): LiveConnection
  /**
   * A ticket that opens one connection as this session within 30 seconds, for clients that cannot send headers. It is
   * spent by its first use. Throws `store-unavailable`, `crypto-unavailable`.
   */
  issueTicket(session: Session<A>, context?: RequestContext): Promise<IssuedTicket>
  /** Spends a ticket: of parallel callers one gets the session. Checked like a token; never throws. */
  redeemTicket(ticket: string, context?: RequestContext): Promise<Verdict<A>>
  /** The name of an event of a session's stream as the client is told it: only that session can give it back. */
  eventId(session: SessionId, name: string): string
  /** The name again; `undefined` for what was never told to this session. */
  eventNameOf(session: SessionId, eventId: string): string | undefined
  /** The CSRF token of a session. */
  csrfToken(session: SessionId): string
  /** Whether this is the CSRF token of that session; constant time. */
  checkCsrfToken(session: SessionId, token: string): boolean
  /** The public keys that JWT access tokens verify with, for `/.well-known/jwks.json`; empty when there are none. */
  jwks(): JwkSet
  /** Flushes what is buffered, closes live connections and stops timers. The store is the caller's to close. */
  close(): Promise<void>
}
