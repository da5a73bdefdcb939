/** Ending sessions: one, a subject's, everyone's. */
import type { RevocationReason } from '../shared/codes.ts'
import { sessionIdPattern } from '../shared/session-id.ts'
import type { Instant, Revocation, Revoked, RevokeTarget, SessionId } from '../store/store.ts'
import type { RevokeOptions, RevokeResult, RevokeSelector, RevokeTokenOptions } from './api.ts'
import { type Core, forget, nowOf, read } from './core.ts'
import { sha256 } from './crypto.ts'
import { storeUnavailable } from './errors.ts'
import { checkInput, checkRevokeSelector, inputRules } from './inputs.ts'
import type { PendingTarget, TokenTarget } from './pending.ts'
import { isGoodFor, presentedAs } from './standing.ts'
import { checkSubject } from './subject.ts'

function targetOf(selector: RevokeSelector): RevokeTarget {
  if ('session' in selector) return { id: selector.session }
  checkSubject(selector.subject)
  return selector.except === undefined ? { subject: selector.subject } : { subject: selector.subject, except: selector.except }
}

const nothing: Revoked = { ids: [], durable: true }

export async function revoke(core: Core, selector: RevokeSelector, options: RevokeOptions = {}): Promise<RevokeResult> {
  checkRevokeSelector(selector)
  checkInput(options, 'options', inputRules.revokeOptions)
  const target = targetOf(selector)
  // What is no id names nothing; it is not even asked for.
  const named = !('id' in target) || sessionIdPattern.test(target.id)
  const { ids, durable } = named ? await revokeTarget(core, target, options.reason ?? 'admin') : nothing
  return { revoked: ids, durable }
}

export async function revokeAll(core: Core): Promise<{ readonly durable: boolean }> {
  const { durable } = await revokeTarget(core, { everyone: true }, 'everyone-out')
  return { durable }
}

/**
 * Revokes in the store and here. When the store cannot record it the sessions count as revoked on this node at
 * once, the revocation is repeated until it is recorded, and the fault is thrown: the caller must not say "done".
 * With `durableRevocation: 'refuse'` the same goes for what is recorded but could still be lost.
 */
export async function revokeTarget(core: Core, target: RevokeTarget, reason: RevocationReason): Promise<Revoked> {
  const revocation: Revocation = { at: nowOf(core), reason }
  let revoked: Revoked
  try {
    revoked = await applyRevocation(core, target, revocation)
  } catch (fault) {
    core.pending.add(target, revocation)
    forgetTarget(core, target)
    core.connections.endUnrecorded()
    throw fault
  }
  insist(core, target, revoked, revocation)
  return revoked
}

/**
 * Under `refuse`, repeats session by session what a failover could undo, and says that it is not done. Everyone-out is
 * not repeated, as that would end sessions issued since: the stores that can lose it assert it again themselves.
 */
function insist(core: Core, target: RevokeTarget, { ids, durable }: Revoked, revocation: Revocation): void {
  if (durable || core.settings.durableRevocation === 'accept') return
  const ended = 'id' in target ? [target.id] : ids
  for (const id of ended) core.pending.add({ id }, revocation)
  throw storeUnavailable(new Error('the revocation is recorded, but a failover could undo it'))
}

/**
 * Ends the session that a token opens, or refreshes within the grace window; any other ends nothing, for whoever holds a spent
 * one must not be able to sign its owner out. When the store cannot say, the session counts as ended on this node as soon
 * as it can, if the token was good for it when this was asked, and is ended then.
 */
export async function revokeToken(core: Core, token: string, options: RevokeTokenOptions = {}): Promise<RevokeResult> {
  checkInput(options, 'options', inputRules.revokeTokenOptions)
  const revocation: Revocation = { at: nowOf(core), reason: options.reason ?? 'logout' }
  const target = targetOfToken(core, token, revocation.at, options.carriedBy)
  if (target === undefined) return { revoked: [], durable: true }
  let revoked: Revoked
  try {
    revoked = await revokeByToken(core, target, revocation)
  } catch (fault) {
    core.pending.add(target, revocation)
    forget(core, [target.of])
    throw fault
  }
  insist(core, { id: target.of }, revoked, revocation)
  return { revoked: revoked.ids, durable: revoked.durable }
}

function targetOfToken(core: Core, token: string, at: Instant, carriedBy: 'tokens' | undefined): TokenTarget | undefined {
  const presented = presentedAs(core, token, at, 'any')
  // A ticket opens one connection, and leaks more easily than what it was made from.
  if (typeof presented !== 'object' || presented.kind === 'ticket') return undefined
  const ofTokens = presented.kind === 'refresh' || presented.expiresAt !== null
  if (carriedBy === 'tokens' && !ofTokens) return undefined
  return {
    of: presented.id,
    token: sha256(token),
    isGoodFor: (record) => isGoodFor(core, record, token, presented, at),
  }
}

async function revokeByToken(core: Core, { of: id, isGoodFor: isGood }: TokenTarget, revocation: Revocation): Promise<Revoked> {
  const record = await read(core, () => core.store.get(id))
  return record !== undefined && isGood(record) ? applyRevocation(core, { id }, revocation) : nothing
}

/** Revokes in the store and here, or throws and changes nothing here. */
export async function applyRevocation(core: Core, target: RevokeTarget, revocation: Revocation): Promise<Revoked> {
  // Tried even while writes are given up for lost: what cannot be recorded is repeated, but later.
  const ask = () => core.store.revoke(target, revocation)
  const revoked = await core.guard.writes.run(core.settings.writeDeadline, ask, undefined, true)
  forget(core, revoked.ids)
  forgetTarget(core, target)
  for (const id of revoked.ids) {
    core.connections.end(id, { cause: 'revoked', reason: revocation.reason })
    const subject = 'subject' in target ? target.subject : null
    core.events.emit({ kind: 'session_revoked', session: id, subject, reason: revocation.reason })
  }
  if ('everyone' in target) {
    await core.connections.endAll({ cause: 'revoked', reason: revocation.reason })
    core.events.emit({ kind: 'session_everyone_out', reason: revocation.reason })
  }
  return revoked
}

/** What another caller has just ended is forgotten too: the target may name more than this call changed. */
function forgetTarget(core: Core, target: RevokeTarget): void {
  if ('id' in target) {
    forget(core, [target.id])
    return
  }
  core.cache.clear()
  core.flights.spoilAll()
}

/**
 * Repeats a revocation that the store could not record; throws while it is to be repeated once more. A subject's is done session by session, so that one issued
 * since is not ended by an order that came before it.
 */
export async function repeatRevocation(core: Core, target: PendingTarget, revocation: Revocation): Promise<void> {
  if (!('subject' in target)) {
    const revoked = await ('of' in target ? revokeByToken(core, target, revocation) : applyRevocation(core, target, revocation))
    if ('id' in target) insist(core, { id: target.id }, revoked, revocation)
    return
  }
  const { subject, except } = target
  let after: { createdAt: number; id: SessionId } | undefined
  do {
    const query = { subject, liveAt: nowOf(core), limit: 200, ...(after === undefined ? {} : { after }) }
    const page = await read(core, () => core.store.list(query))
    const meant = page.items.filter(({ id, createdAt }) => id !== except && createdAt <= revocation.at)
    for (const { id } of meant) {
      const { durable } = await applyRevocation(core, { id }, revocation)
      if (!durable && core.settings.durableRevocation === 'refuse') core.pending.add({ id }, revocation)
    }
    after = page.next
  } while (after !== undefined)
}
