/** Starting a session: for a subject, or for a visitor who is not signed in. */
import type { Attributes, Insertion, Instant, SessionCap, SessionId, SessionRecord, TokenGrant } from '../store/store.ts'
import type { AnonymousInput, IssueInput } from './api.ts'
import { checkLevel, checkMethods } from './assurance.ts'
import { type Core, forget, listed, nowOf, read, write } from './core.ts'
import { HoldfastError, invalidField } from './errors.ts'
import { fingerprintOf, keptUserAgent, labelOf } from './fingerprint.ts'
import { wasRefused } from './guard.ts'
import { checkInput, inputRules } from './inputs.ts'
import { keptAddress } from './network.ts'
import type { Limits } from './options.ts'
import { endOf } from './record.ts'
import { applyRevocation, revokeTarget } from './revoke.ts'
import { checkAttributes } from './schema.ts'
import type { Issued, RequestContext } from './session.ts'
import { checkSubject } from './subject.ts'
import type { TokenKind } from './token.ts'

/** What carries a session: one secret, or a grant of access and refresh tokens. */
export interface Carried {
  /** Of the token whose digest the record keeps. */
  readonly kind: TokenKind
  readonly limits: Limits
  readonly persistent: boolean
  readonly grant: TokenGrant | null
  /** In place of the one that the user agent gives. */
  readonly label?: string | undefined
}

interface Start extends Carried {
  readonly subject: string | null
  readonly attributes: Attributes
  readonly context: RequestContext | undefined
}

/** A new record and the token that its digest is of. */
interface Begun {
  readonly record: SessionRecord
  readonly token: string
}

function begin(core: Core, start: Start): Begun {
  const now = nowOf(core)
  const { kind, subject, limits, context } = start
  const id = core.tokens.newId(subject)
  const { token, digest } = core.tokens.mint({ kind, id, generation: 0 })
  const ip = keptAddress(context?.ip)
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
    grant: start.grant,
    binding: { fingerprint: fingerprintOf(core.keyring, context?.userAgent), jkt: null, deviceKey: null },
    origin: 'local',
    persistent: start.persistent,
    firstIp: ip,
    lastIp: ip,
    userAgent: keptUserAgent(context?.userAgent),
    label: start.label ?? labelOf(context?.userAgent),
    attributes: start.attributes,
    revokedAt: null,
    reason: null,
    revision: 0,
    epoch: 0,
  }
  return { record, token }
}

/** A proof of identity in the future would be fresh for ever. */
function checkAuthTime(authTime: Instant | undefined, now: Instant): Instant {
  if (authTime === undefined) return now
  if (!Number.isSafeInteger(authTime) || authTime < 0) throw invalidField('authTime', 'must be an instant in milliseconds')
  return Math.min(authTime, now)
}

export async function issue(core: Core, input: IssueInput): Promise<Issued> {
  checkInput(input, 'input', inputRules.issue)
  const { remembered, signedIn } = core.settings.limits
  const persistent = input.remember === true
  const carried: Carried = { kind: 'session', limits: persistent ? remembered : signedIn, persistent, grant: null }
  const { record, token } = await startForSubject(core, input, carried)
  return { session: listed(record, record.createdAt), token }
}

/** A stored session of a subject, and the token that its digest is of. */
export async function startForSubject(core: Core, input: Omit<IssueInput, 'remember'>, carried: Carried): Promise<Begun> {
  checkSubject(input.subject)
  const amr = checkMethods(input.amr ?? [])
  const acr = checkLevel(input.acr ?? null)
  const attributes = await checkAttributes(core.settings.attributes, input.attributes ?? {})
  const predecessor = input.replaces === undefined ? undefined : await liveRecord(core, input.replaces)
  const { subject, context } = input
  const { record: started, token } = begin(core, { ...carried, subject, attributes, context })
  const record: SessionRecord = {
    ...started,
    authTime: checkAuthTime(input.authTime, started.createdAt),
    amr,
    acr,
    origin: input.origin ?? 'local',
    binding: { ...started.binding, ...input.binding },
  }
  const { inserted, evicted } = await insert(core, record, capFor(core, record, predecessor))
  if (!inserted) throw new HoldfastError('session-limit', { detail: 'every session of this account is in use; end one first' })
  evictedSessions(core, record, evicted)
  if (predecessor !== undefined) await endPredecessor(core, record, predecessor)
  core.events.emit({ kind: 'session_created', session: record.id, subject: record.subject, ip: record.firstIp })
  return { record, token }
}

export async function issueAnonymous(core: Core, input: AnonymousInput = {}): Promise<Issued> {
  checkInput(input, 'input', inputRules.issueAnonymous)
  const attributes = await checkAttributes(core.settings.attributes, input.attributes ?? {})
  const { limits } = core.settings
  const { record, token } = begin(core, {
    kind: 'anonymous',
    subject: null,
    limits: limits.anonymous,
    attributes,
    context: input.context,
    persistent: false,
    grant: null,
  })
  const { evicted } = await insert(core, record)
  evictedSessions(core, record, evicted)
  core.events.emit({ kind: 'session_created', session: record.id, ip: record.firstIp })
  return { session: listed(record, record.createdAt), token }
}

/** A fault does not say that nothing was written. Nobody was handed the token, so the session should not stay either. */
async function insert(core: Core, record: SessionRecord, cap?: SessionCap): Promise<Insertion> {
  try {
    return await write(core, () => core.store.insert(record, cap))
  } catch (fault) {
    if (!wasRefused(fault)) abandon(core, record.id)
    throw fault
  }
}

/** Not awaited, and not repeated: a caller of a failing store waits for one deadline, not two. */
export function abandon(core: Core, id: SessionId): void {
  const revocation = { at: nowOf(core), reason: 'replaced' } as const
  applyRevocation(core, { id }, revocation).catch((fault: unknown) =>
    core.settings.onFault(fault, 'ending a session that was not handed out'),
  )
}

async function liveRecord(core: Core, id: SessionId): Promise<SessionRecord | undefined> {
  const record = await read(core, () => core.store.get(id))
  return record === undefined || endOf(record, nowOf(core)) !== undefined ? undefined : record
}

function capFor(core: Core, record: SessionRecord, predecessor: SessionRecord | undefined): SessionCap {
  const cap = core.settings.cap ?? { max: Number.MAX_SAFE_INTEGER, whenFull: 'refuse' }
  return { ...cap, now: record.createdAt, ...(predecessor?.subject === record.subject ? { replaces: predecessor.id } : {}) }
}

function evictedSessions(core: Core, by: SessionRecord, evicted: readonly SessionId[]): void {
  forget(core, evicted)
  for (const id of evicted) {
    core.connections.end(id, { cause: 'revoked', reason: 'evicted' })
    core.events.emit({ kind: 'session_evicted', session: id, subject: by.subject, reason: 'evicted' })
  }
}

/**
 * The subject's own session was ended by the insertion. Another subject's, or a visitor's, is no part of that step:
 * it is ended now, and when it cannot be, this sign-in has not happened.
 */
async function endPredecessor(core: Core, by: SessionRecord, { id, subject }: SessionRecord): Promise<void> {
  if (subject !== by.subject) {
    try {
      await revokeTarget(core, { id }, 'replaced')
    } catch (fault) {
      abandon(core, by.id)
      throw fault
    }
    return
  }
  forget(core, [id])
  core.connections.end(id, { cause: 'revoked', reason: 'replaced' })
  core.events.emit({ kind: 'session_revoked', session: id, subject, reason: 'replaced' })
}
