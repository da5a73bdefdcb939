/** `requireSession`: what a route asks of the session, and the answer to a request that does not have it. */
import { type Duration, milliseconds } from '../engine/duration.ts'
import { ConfigurationError } from '../engine/errors.ts'
import { checkGroup, checkOptionsObject, type Report, unknownNames } from '../engine/option-readers.ts'
import type { Session } from '../engine/session.ts'
import { deadReasons } from '../shared/codes.ts'
import type { FieldProblem } from '../shared/wire.ts'
import type { Attributes, Awaitable, Instant, JsonValue } from '../store/store.ts'
import type { Exchange } from './exchange.ts'
import { type Answer, answerFor, problemAnswer } from './problem.ts'

export interface SessionRequirement {
  /** The subject proved who they are at most this long ago: by a sign-in, or by a step-up that still holds. */
  readonly freshness?: Duration
  /** `acr`: one of these levels was reached. `amr`: all of these methods were used. */
  readonly assurance?: { readonly acr?: string | readonly string[]; readonly amr?: readonly string[] }
  /** Attributes the session must have: these values, or those for which the function returns `true`, at once and nothing else. */
  readonly attributes?: Attributes | ((attributes: Attributes) => boolean)
  /** Lets anonymous visitors pass. Default false. */
  readonly anonymous?: boolean
  /**
   * Asks the store at every request, whatever this node remembers, for a route that must never act on an answer up to
   * `maxStaleness` old; 503 when the store cannot tell. Default false.
   */
  readonly fresh?: boolean
}

/** A requirement as read from its options. */
export interface Requirement {
  readonly freshness: number | null
  readonly acr: readonly string[]
  readonly amr: readonly string[]
  readonly hasAttributes: ((attributes: Attributes) => boolean) | null
  readonly anonymous: boolean
  readonly fresh: boolean
}

const requirementNames = ['freshness', 'assurance', 'attributes', 'anonymous', 'fresh']

/** Reads the options of a guard. Throws `ConfigurationError`: a guard that was misspelt must not let people in. */
export function parseRequirement(given: SessionRequirement = {}): Requirement {
  checkOptionsObject(given)
  const found: FieldProblem[] = unknownNames(given, requirementNames, '')
  const report: Report = (problem) => found.push(problem)
  const freshness = given.freshness === undefined ? null : milliseconds(given.freshness)
  if (freshness === undefined) report({ field: 'freshness', message: "must be a duration such as '5m'" })
  checkGroup(given.assurance, 'assurance', ['acr', 'amr'], report)
  const { acr = [], amr = [] } = given.assurance ?? {}
  const levels = typeof acr === 'string' ? [acr] : acr
  if (!areNames(levels)) report({ field: 'assurance.acr', message: 'must be a level, or a list of them' })
  if (!areNames(amr)) report({ field: 'assurance.amr', message: 'must be a list of methods' })
  const { anonymous = false, fresh = false, attributes } = given
  if (typeof anonymous !== 'boolean') report({ field: 'anonymous', message: 'must be true or false' })
  if (typeof fresh !== 'boolean') report({ field: 'fresh', message: 'must be true or false' })
  if (attributes !== undefined && typeof attributes !== 'function' && !isRecord(attributes)) {
    report({ field: 'attributes', message: 'must be an object of attributes, or a function of them' })
  }
  if (found.length > 0) throw new ConfigurationError(found)
  return { freshness: freshness ?? null, acr: levels, amr, hasAttributes: attributeCheck(attributes), anonymous, fresh }
}

function areNames(given: unknown): given is readonly string[] {
  return Array.isArray(given) && given.every((name) => typeof name === 'string' && name !== '')
}

function attributeCheck(asked: SessionRequirement['attributes']): Requirement['hasAttributes'] {
  if (asked === undefined) return null
  // A promise, as an async function gives it, would pass for a yes.
  return typeof asked === 'function' ? (held) => asked(held) === true : (held) => containsAll(held, asked)
}

/** Whether every asked value is held, compared deeply: objects by the asked keys, lists in full. */
function containsAll(held: Attributes, asked: Attributes): boolean {
  return Object.entries(asked).every(([key, value]) => Object.hasOwn(held, key) && isSame(held[key], value))
}

function isRecord(value: JsonValue | undefined): value is Attributes {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSame(held: JsonValue | undefined, asked: JsonValue): boolean {
  if (isRecord(asked)) return isRecord(held) && containsAll(held, asked)
  if (Array.isArray(asked)) {
    return Array.isArray(held) && held.length === asked.length && asked.every((item: JsonValue, at) => isSame(held[at], item))
  }
  return held === asked
}

/** `max_age` is the age of the proof itself (RFC 9470 4): a step-up ages while it holds. */
function isFresh({ authTime, elevatedAt, elevatedUntil }: Session, freshness: number, now: Instant): boolean {
  const steppedUpAt = elevatedUntil !== null && now < elevatedUntil ? elevatedAt : null
  return [authTime, steppedUpAt].some((provedAt) => provedAt !== null && now - provedAt <= freshness)
}

function hasAssurance(session: Session, { acr, amr }: Requirement): boolean {
  if (acr.length > 0 && (session.acr === null || !acr.includes(session.acr))) return false
  return amr.every((method) => session.amr.includes(method))
}

/** Inside a quoted string of a header: what could end it is left out. */
function quoted(text: string): string {
  return `"${text.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '')}"`
}

/** The challenge of RFC 9470: what to come back with. */
function stepUpAnswer({ acr, freshness }: Requirement): Answer {
  const parts = ['Bearer error="insufficient_user_authentication"']
  if (acr.length > 0) parts.push(`acr_values=${quoted(acr.join(' '))}`)
  if (freshness !== null) parts.push(`max_age=${Math.floor(freshness / 1000)}`)
  return problemAnswer('step-up-required', { challenge: parts.join(', ') })
}

function refuseDead(exchange: Exchange, requirement: Requirement): Answer {
  const { verdict, credential, tooManyForgeries } = exchange
  if (tooManyForgeries !== undefined) return answerFor(tooManyForgeries)
  if (verdict.status === 'unknown') return problemAnswer(verdict.code, { retryAfter: verdict.retryAfter })
  const reason = verdict.status === 'dead' ? verdict.reason : 'missing'
  // One answer for every wrong visitor's token: whether the session exists is nobody's business.
  if (credential.source === 'anonymous-header' && requirement.anonymous) return problemAnswer('anonymous-token-invalid')
  if (reason === 'missing') return problemAnswer('session-required')
  return problemAnswer(deadReasons[reason], { challenge: 'Bearer error="invalid_token"' })
}

/** Undefined when the request may pass. At once, without a promise, unless the requirement asks a store that takes time. */
export function checkRequirement(exchange: Exchange, requirement: Requirement): Awaitable<Answer | undefined> {
  const asking = requirement.fresh ? exchange.recheck() : undefined
  return asking instanceof Promise
    ? asking.then(() => judgeRequirement(exchange, requirement))
    : judgeRequirement(exchange, requirement)
}

/**
 * By what is known of the session already. What the app then answers is for this client alone: no cache keeps it unless
 * the app says so itself (ASVS 14.2.2).
 */
export function judgeRequirement(exchange: Exchange, requirement: Requirement): Answer | undefined {
  const refused = refusalOf(exchange, requirement)
  if (refused === undefined) exchange.carrier.setDefault('cache-control', 'no-store')
  return refused
}

function refusalOf(exchange: Exchange, requirement: Requirement): Answer | undefined {
  const { session } = exchange
  if (session === null) return refuseDead(exchange, requirement)
  if (session.anonymous && !requirement.anonymous) return problemAnswer('session-required')
  const sensitive = requirement.freshness !== null || requirement.acr.length > 0 || requirement.amr.length > 0
  if (sensitive && !meets(session, requirement, exchange.core.clock.now())) return stepUpAnswer(requirement)
  if (requirement.hasAttributes !== null && !requirement.hasAttributes(session.attributes)) return problemAnswer('forbidden')
  return undefined
}

function meets(session: Session, requirement: Requirement, now: Instant): boolean {
  if (session.stepUpRequired || !hasAssurance(session, requirement)) return false
  return requirement.freshness === null || isFresh(session, requirement.freshness, now)
}
