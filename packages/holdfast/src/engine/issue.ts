/** Starting a session: for a subject, or for a visitor who is not signed in. */
import type { Attributes, SessionCap, SessionRecord } from '../store/store.ts'
import type { AnonymousInput, IssueInput } from './api.ts'
import { type Core, forget, listed, nowOf, write } from './core.ts'
import { HoldfastError } from './errors.ts'
import { fingerprintOf, keptUserAgent, labelOf } from './fingerprint.ts'
import type { Limits } from './options.ts'
import { checkAttributes } from './schema.ts'
import type { Issued, RequestContext } from './session.ts'

const longestSubject = 256
const longestAddress = 64
// A subject ends up in lists, logs and keys: no control or formatting characters, no lone surrogates.
const unfit = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

function invalid(field: string, message: string): HoldfastError {
  return new HoldfastError('invalid-request', { detail: `${field} ${message}`, fields: [{ field, message }] })
}

export function checkSubject(subject: unknown): asserts subject is string {
  if (typeof subject !== 'string' || subject.trim() === '') throw invalid('subject', 'must not be blank')
  if (subject.length > longestSubject) throw invalid('subject', `must have at most ${longestSubject} characters`)
  if (unfit.test(subject)) throw invalid('subject', 'must not hold control characters')
}

interface Start {
  readonly subject: string | null
  readonly limits: Limits
  readonly attributes: Attributes
  readonly context: RequestContext | undefined
  readonly persistent: boolean
}

/** A new record and the token that opens it. */
function begin(core: Core, start: Start): { record: SessionRecord; token: string } {
  const now = nowOf(core)
  const { subject, limits, context } = start
  const id = core.tokens.newId(subject)
  const { token, digest } = core.tokens.mint({ kind: subject === null ? 'anonymous' : 'session', id, generation: 0 })
  const ip = context?.ip?.slice(0, longestAddress) ?? null
  const record: SessionRecord = {
    id,
    subject,
    createdAt: now,
    authTime: null,
    amr: [],
    acr: null,
    elevation: null,
    seenAt: now,
    idleTimeout: limits.idle,
    idleExpiresAt: now + limits.idle,
    absoluteExpiresAt: now + limits.absolute,
    digest,
    previous: null,
    generation: 0,
    nonce: null,
    rotatedAt: null,
    binding: { fingerprint: fingerprintOf(core.keyring, context?.userAgent), jkt: null, deviceKey: null },
    origin: 'local',
    persistent: start.persistent,
    firstIp: ip,
    lastIp: ip,
    userAgent: keptUserAgent(context?.userAgent),
    label: labelOf(context?.userAgent),
    attributes: start.attributes,
    revokedAt: null,
    reason: null,
    revision: 0,
    epoch: 0,
  }
  return { record, token }
}

export async function issue(core: Core, input: IssueInput): Promise<Issued> {
  checkSubject(input.subject)
  const attributes = await checkAttributes(core.settings.attributes, input.attributes ?? {})
  const persistent = input.remember === true
  const limits = persistent ? core.settings.limits.remembered : core.settings.limits.signedIn
  const { record: started, token } = begin(core, {
    subject: input.subject,
    limits,
    attributes,
    context: input.context,
    persistent,
  })
  const record: SessionRecord = {
    ...started,
    authTime: input.authTime ?? started.createdAt,
    amr: input.amr ?? [],
    acr: input.acr ?? null,
    origin: input.origin ?? 'local',
    binding: { ...started.binding, ...input.binding },
  }
  const { inserted, evicted } = await write(core, () => core.store.insert(record, capFor(core, record, input.replaces)))
  if (!inserted) throw new HoldfastError('session-limit', { detail: 'every session of this account is in use; end one first' })
  evictedSessions(core, record, evicted)
  if (input.replaces !== undefined) replaced(core, record, input.replaces)
  core.events.emit({ kind: 'session_created', session: record.id, subject: record.subject, ip: record.firstIp })
  return { session: listed(record, record.createdAt), token }
}

export async function issueAnonymous(core: Core, input: AnonymousInput = {}): Promise<Issued> {
  const attributes = await checkAttributes(core.settings.attributes, input.attributes ?? {})
  const { limits } = core.settings
  const { record, token } = begin(core, {
    subject: null,
    limits: limits.anonymous,
    attributes,
    context: input.context,
    persistent: false,
  })
  const { evicted } = await write(core, () => core.store.insert(record))
  evictedSessions(core, record, evicted)
  core.events.emit({ kind: 'session_created', session: record.id, ip: record.firstIp })
  return { session: listed(record, record.createdAt), token }
}

function capFor(core: Core, record: SessionRecord, replaces: string | undefined): SessionCap {
  const cap = core.settings.cap ?? { max: Number.MAX_SAFE_INTEGER, whenFull: 'refuse' }
  return { ...cap, now: record.createdAt, ...(replaces === undefined ? {} : { replaces }) }
}

function evictedSessions(core: Core, by: SessionRecord, evicted: readonly string[]): void {
  forget(core, evicted)
  for (const id of evicted) {
    core.connections.end(id, { cause: 'revoked', reason: 'evicted' })
    core.events.emit({ kind: 'session_evicted', session: id, subject: by.subject, reason: 'evicted' })
  }
}

function replaced(core: Core, by: SessionRecord, id: string): void {
  forget(core, [id])
  core.connections.end(id, { cause: 'revoked', reason: 'replaced' })
  core.events.emit({ kind: 'session_revoked', session: id, subject: by.subject, reason: 'replaced' })
}
