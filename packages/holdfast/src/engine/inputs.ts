/**
 * What calls are given by callers whose types nobody checked. Each is refused by the name of its field, before anything is done: a
 * session in place of its id would name nothing and end nothing, and a misspelt filter would let everything through.
 */
import { revocationReasons } from '../shared/codes.ts'
import { type EventKind, eventKinds } from '../shared/event-kinds.ts'
import type {
  AnonymousInput,
  ElevateInput,
  IssueInput,
  ListInput,
  RevokeOptions,
  RevokeTokenOptions,
  TokensInput,
} from './api.ts'
import { invalidField } from './errors.ts'

/** What is wrong with a value; `undefined` when nothing is. */
export type Rule = (value: unknown) => string | undefined
export type Rules = Readonly<Record<string, Rule>>

const typed =
  (type: 'string' | 'boolean' | 'function', message: string): Rule =>
  (value) =>
    typeof value === type ? undefined : message

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

/** Its value is looked at where it is used. */
export const anything: Rule = () => undefined
export const text: Rule = typed('string', 'must be text')
export const flag: Rule = typed('boolean', 'must be true or false')
const sessionId = typed('string', 'must be the id of a session, as text')
const isText = (value: unknown): boolean => value === undefined || typeof value === 'string'
const isClient = (value: unknown): boolean => isObject(value) && isText(value.ip) && isText(value.userAgent)
const client: Rule = (value) => (isClient(value) ? undefined : 'must be an object, its ip and userAgent text')
const reason: Rule = (value) =>
  revocationReasons.some((known) => known === value) ? undefined : `must be one of ${revocationReasons.join(', ')}`
const origin: Rule = (value) =>
  value === 'local' || (typeof value === 'string' && value.startsWith('proxy:')) ? undefined : "must be 'local' or 'proxy:…'"
const isKey = (value: unknown): boolean => value === null || isText(value)
const binding: Rule = (value) =>
  isObject(value) && isKey(value.jkt) && isKey(value.deviceKey) ? undefined : 'must be an object, its jkt and deviceKey text'

export type RulesFor<Input> = Readonly<Record<keyof Input, Rule>>

const starting: RulesFor<Omit<IssueInput, 'remember'>> = {
  subject: anything,
  attributes: anything,
  context: client,
  amr: anything,
  acr: anything,
  authTime: anything,
  origin,
  binding,
  replaces: sessionId,
}
const granting: RulesFor<Pick<TokensInput, 'format' | 'audience' | 'clientId' | 'label'>> = {
  format: anything,
  audience: anything,
  clientId: anything,
  label: anything,
}

interface InputRules {
  readonly issue: RulesFor<IssueInput>
  readonly issueTokens: RulesFor<TokensInput>
  /** Of a sign-in by one secret or by tokens. */
  readonly promote: RulesFor<IssueInput & Omit<TokensInput, 'promotes'>>
  readonly issueAnonymous: RulesFor<AnonymousInput>
  readonly elevate: RulesFor<ElevateInput>
  readonly list: RulesFor<ListInput>
  readonly revokeOptions: RulesFor<RevokeOptions>
  readonly revokeTokenOptions: RulesFor<RevokeTokenOptions>
}

/** What each call takes, by name. */
export const inputRules: InputRules = {
  issue: { ...starting, remember: flag },
  issueTokens: { ...starting, ...granting, promotes: sessionId },
  promote: { ...starting, ...granting, remember: flag },
  issueAnonymous: { attributes: anything, context: client },
  elevate: { amr: anything, acr: anything, forMs: anything, context: client },
  list: { subject: (value) => (value === null ? undefined : text(value)), liveOnly: flag, cursor: text, limit: anything },
  revokeOptions: { reason },
  revokeTokenOptions: { reason, carriedBy: (value) => (value === 'tokens' ? undefined : "must be 'tokens'") },
}
const bySession: Rules = { session: sessionId }
const bySubject: Rules = { subject: anything, except: sessionId }

/** Throws `invalid-request` for what is no object, for a name that the call does not take, and for a value of the wrong type. */
export function checkInput(input: unknown, name: string, rules: Rules): void {
  if (!isObject(input)) throw invalidField(name, 'must be an object')
  for (const [field, value] of Object.entries(input)) {
    if (!Object.hasOwn(rules, field)) throw invalidField(field, `is not known; ${name} takes ${Object.keys(rules).join(', ')}`)
    const problem = value === undefined ? undefined : rules[field]?.(value)
    if (problem !== undefined) throw invalidField(field, problem)
  }
}

/** A filter that is named and `undefined`, as the id of nobody is, would let everything through: to be left out it is not there. */
export function checkFilter(input: object, field: string): void {
  if (field in input && (input as Readonly<Record<string, unknown>>)[field] === undefined) {
    throw invalidField(field, 'must not be undefined: leave it out')
  }
}

function refuseUnless(rule: Rule, value: unknown, field: string): void {
  const problem = rule(value)
  if (problem !== undefined) throw invalidField(field, problem)
}

/** Throws `invalid-request`: also for a session itself, which TypeScript alone would tell from its id. */
export function checkSessionId(id: unknown): asserts id is string {
  refuseUnless(sessionId, id, 'session')
}

/** One of the two shapes, whole: with both, or a misspelt `except`, nobody could tell what was meant. */
export function checkRevokeSelector(target: unknown): void {
  if (!isObject(target) || 'session' in target === 'subject' in target) {
    throw invalidField('target', 'must be { session } or { subject, except }')
  }
  checkInput(target, 'target', 'session' in target ? bySession : bySubject)
  if ('session' in target) checkSessionId(target.session)
}

/** What every comparison with is false would pass for any time, and any bound. */
export function checkWhole(field: string, value: unknown, message: string): void {
  if (!Number.isSafeInteger(value)) throw invalidField(field, message)
}

const aSession: Rule = (value) =>
  isObject(value) && typeof value.id === 'string' && Number.isFinite(value.idleExpiresAt)
    ? undefined
    : 'must be a session, as verify gives it, not its id'

/** What a request tells; null stands for none. Asked at every check: the rule is looked up only to name what is wrong. */
export function checkContext(context: unknown): void {
  if (context !== null && !isClient(context)) refuseUnless(client, context, 'context')
}

export function checkSession(session: unknown): void {
  refuseUnless(aSession, session, 'session')
}

export function checkFunction(value: unknown, field: string): void {
  refuseUnless(typed('function', 'must be a function'), value, field)
}

export function checkEvent(event: unknown): asserts event is { readonly kind: EventKind } {
  if (!isObject(event)) throw invalidField('event', 'must be an object')
  if (typeof event.kind !== 'string' || !Object.hasOwn(eventKinds, event.kind)) {
    throw invalidField('kind', 'must be a kind of the catalogue of events')
  }
}
