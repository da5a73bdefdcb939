/** The library's main entry: the factory and its types. Stores, adapters and testing tools have their own. */

export type { LockKind } from './defence/lock-keys.ts'
export type { LockView } from './defence/lockout.ts'
export { mixesScripts, nameKey } from './defence/names.ts'
export type {
  AnonymousInput,
  ConnectionEnd,
  ElevateInput,
  EngineApi,
  IssuedTicket,
  IssueInput,
  ListInput,
  LiveConnection,
  RevokeOptions,
  RevokeResult,
  RevokeSelector,
  RevokeTokenOptions,
  SessionList,
  TokensInput,
  TokenVerdict,
  VerifyOptions,
} from './engine/api.ts'
export type { Clock } from './engine/clock.ts'
export type { JsonWebKey, KeyObject, RandomFill, SigningAlgorithm } from './engine/crypto.ts'
export type { Duration } from './engine/duration.ts'
export { ConfigurationError, type ErrorDetails, HoldfastError, invalidField } from './engine/errors.ts'
export type { EventInput, EventListener, FaultLogger, SecurityEvent } from './engine/events.ts'
export type { JwtKeyOptions } from './engine/jwt/key-options.ts'
export type { JwkSet, PublicJwk } from './engine/jwt/keys.ts'
export type { JwtOptions } from './engine/jwt/options.ts'
export type {
  ChangePolicy,
  EngineOptions,
  LimitOptions,
  PromotionPolicy,
  ReusePolicy,
  ShadowOptions,
  TokenOptions,
} from './engine/options.ts'
export type { StandardSchema } from './engine/schema.ts'
export { secretProblem } from './engine/secret.ts'
export type { Issued, IssuedTokens, RefreshContext, RefreshVerdict, RequestContext, Session, Verdict } from './engine/session.ts'
export type { ChangeStats, Stats, StoreCallStats } from './engine/stats.ts'
export { createHoldfast, type Holdfast, type HoldfastOptions } from './holdfast.ts'
export type { SignInAttempt, SignInAttemptInput } from './http/attempt.ts'
export type { AnonymousStart, Delivered, SignInInput, StartAnonymousInput, StepUpInput } from './http/changes.ts'
export type { SameSite } from './http/cookies.ts'
export type { ConnectionInfo, WebExchange } from './http/fetch.ts'
export type { FinishedResponse } from './http/fetch-carrier.ts'
export type { SessionRequirement } from './http/guard.ts'
export type { ConnectionOptions } from './http/live-options.ts'
export type { ClearSiteDataDirective, HttpOptions } from './http/options.ts'
// With a star: a declaration of an app merges with what is exported so, and not with a name in a list.
export type * from './http/register.ts'
export type { HoldfastRequest } from './http/request.ts'
export type { StreamEvent } from './http/sse-text.ts'
export type { EventStream } from './http/stream.ts'
export type { DeliveredTokens, TokenSignInInput } from './http/tokens.ts'
export type { Visit, VisitInput } from './http/visitors.ts'
export { sessionWire, type TokenPair, tokenPairWire } from './http/wire.ts'
export { type DeadReason, type ProblemCode, problems, type RevocationReason, type UnknownCode } from './shared/codes.ts'
export {
  categoryOf,
  type EventCategory,
  type EventKind,
  type EventSeverity,
  eventKinds,
  eventSeverities,
} from './shared/event-kinds.ts'
export { writesMemberTwice } from './shared/json-members.ts'
export type { CurrentSessionWire, FieldProblem, PageWire, ProblemWire, SessionWire, TokenPairWire } from './shared/wire.ts'
export type { Attributes, Instant, JsonValue, Origin, SessionId, TokenGrant } from './store/store.ts'
