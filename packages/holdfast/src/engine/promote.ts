/** Anonymous to signed in: a new id and secret carry the visitor's data, and the anonymous session ends. */
import type { Attributes, Instant, JsonValue, SessionId, SessionRecord } from '../store/store.ts'
import type { IssueInput } from './api.ts'
import { changeRecord } from './change.ts'
import { type Core, forget, nowOf, read } from './core.ts'
import { HoldfastError } from './errors.ts'
import { checkInput, checkSessionId, inputRules } from './inputs.ts'
import type { PromotionPolicy } from './options.ts'
import { applyRevocation, revokeTarget } from './revoke.ts'
import type { Session } from './session.ts'

/** How long a claim keeps others out; past it the process that claimed is taken for dead. */
const claimLength = 10_000
const claimMark = 'promoting:'

/** Whether another call holds the visitor. A claim further ahead than any can be is from before a clock went back. */
function isClaimed({ nonce }: SessionRecord, now: Instant): boolean {
  if (!nonce?.startsWith(claimMark)) return false
  const left = Number.parseInt(nonce.slice(claimMark.length), 10) - now
  return left > 0 && left <= claimLength
}

/**
 * One compare-and-swap claims the visitor, so that of parallel promotions one goes on and the others have issued
 * nothing and evicted nobody. The visitor's session stays alive until the new one exists: a fault half-way loses
 * no data, and the claim is given back.
 */
async function claim(core: Core, id: SessionId): Promise<SessionRecord | undefined> {
  const now = nowOf(core)
  // The random part makes each claim its own, so that a call gives back no other's.
  const nonce = `${claimMark}${now + claimLength}:${core.tokens.newId(null)}`
  try {
    return await changeRecord(core, id, (record) =>
      record.subject !== null || isClaimed(record, now) ? undefined : { ...record, nonce },
    )
  } catch (fault) {
    await giveBack(core, id, nonce)
    throw fault
  }
}

async function giveBack(core: Core, id: SessionId, nonce: string | null): Promise<void> {
  try {
    await changeRecord(core, id, (record) => (record.nonce === nonce ? { ...record, nonce: null } : undefined))
  } catch (fault) {
    core.settings.onFault(fault, 'giving back the claim of a promotion; it lapses by itself')
  }
}

function sameValue(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** What the signed-in session starts with. Throws `conflict` where the policy refuses. */
function carriedOver(policy: PromotionPolicy, visitor: Attributes, given: Attributes): Attributes {
  if (typeof policy === 'function') return policy(visitor, given)
  if (policy === 'discard') return given
  const contested = Object.keys(visitor).find((key) => Object.hasOwn(given, key) && !sameValue(visitor[key], given[key]))
  if (policy === 'refuse' && contested !== undefined) {
    throw new HoldfastError('conflict', { detail: 'the visitor and the sign-in have different values for an attribute' })
  }
  return { ...visitor, ...given }
}

/** `start` issues the new session, by one secret or by tokens, with what the visitor's attributes become. */
export async function promote<T extends { readonly session: Session }>(
  core: Core,
  anonymous: SessionId,
  input: IssueInput,
  start: (carried: IssueInput) => Promise<T>,
): Promise<T | undefined> {
  checkSessionId(anonymous)
  checkInput(input, 'input', inputRules.promote)
  const visitor = await claim(core, anonymous)
  if (visitor === undefined) return undefined
  let issued: T
  try {
    const attributes = carriedOver(core.settings.promotion, visitor.attributes, input.attributes ?? {})
    issued = await start({ ...input, attributes })
  } catch (fault) {
    await giveBack(core, visitor.id, visitor.nonce)
    throw fault
  }
  const { session } = issued
  if (!(await endVisitor(core, visitor, session.id))) return undefined
  core.events.emit({ kind: 'session_promoted', session: session.id, subject: session.subject, ip: session.firstIp })
  return issued
}

/**
 * Whether this call ended the visitor's session. If not, another promotion or a revocation came first, and the new
 * session, which nobody holds yet, is ended instead: both must not live, and neither may a second winner.
 */
async function endVisitor(core: Core, visitor: SessionRecord, issued: SessionId): Promise<boolean> {
  const revocation = { at: nowOf(core), reason: 'promoted' } as const
  try {
    const ended = await applyRevocation(core, { id: visitor.id }, revocation)
    if (ended.ids.length === 0) await revokeTarget(core, { id: issued }, 'promoted')
    return ended.ids.length > 0
  } catch (fault) {
    if (await wasEnded(core, visitor)) {
      forget(core, [visitor.id])
      core.connections.end(visitor.id, { cause: 'revoked', reason: 'promoted' })
      return true
    }
    await revokeTarget(core, { id: issued }, 'promoted').catch(() => undefined)
    await giveBack(core, visitor.id, visitor.nonce)
    throw fault
  }
}

/** Whether the revocation landed although its answer was lost: then there is no visitor to go back to. */
async function wasEnded(core: Core, { id, nonce }: SessionRecord): Promise<boolean> {
  try {
    const record = await read(core, () => core.store.get(id))
    return record?.reason === 'promoted' && record.nonce === nonce
  } catch {
    return false
  }
}
