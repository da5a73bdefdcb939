/** Anonymous to signed in: a new id and secret carry the visitor's data, and the anonymous session ends. */
import type { Instant, SessionId, SessionRecord } from '../store/store.ts'
import type { IssueInput } from './api.ts'
import { changeRecord } from './change.ts'
import { type Core, nowOf } from './core.ts'
import { issue } from './issue.ts'
import { revokeTarget } from './revoke.ts'
import type { Issued } from './session.ts'

/** How long a claim keeps others out; past it the process that claimed is taken for dead. */
const claimLength = 10_000
const claimMark = 'promoting:'

function claimedUntil(record: SessionRecord): Instant {
  return record.nonce?.startsWith(claimMark) ? Number(record.nonce.slice(claimMark.length)) : 0
}

/**
 * One compare-and-swap claims the visitor, so that of parallel promotions one goes on and the others have issued
 * nothing and evicted nobody. The visitor's session stays alive until the new one exists: a fault half-way loses
 * no data, and the claim is given back.
 */
async function claim(core: Core, id: SessionId): Promise<SessionRecord | undefined> {
  const now = nowOf(core)
  return changeRecord(core, id, (record) => {
    if (record.subject !== null || now < claimedUntil(record)) return undefined
    return { ...record, nonce: claimMark + (now + claimLength) }
  })
}

async function giveBack(core: Core, claimed: SessionRecord): Promise<void> {
  try {
    await changeRecord(core, claimed.id, (record) => (record.nonce === claimed.nonce ? { ...record, nonce: null } : undefined))
  } catch (fault) {
    core.settings.onFault(fault, 'giving back the claim of a promotion; it lapses by itself')
  }
}

export async function promote(core: Core, anonymous: SessionId, input: IssueInput): Promise<Issued | undefined> {
  const visitor = await claim(core, anonymous)
  if (visitor === undefined) return undefined
  let issued: Issued
  try {
    issued = await issue(core, { ...input, attributes: { ...visitor.attributes, ...input.attributes } })
  } catch (fault) {
    await giveBack(core, visitor)
    throw fault
  }
  const { session } = issued
  await endVisitor(core, visitor, session.id)
  core.events.emit({ kind: 'session_promoted', session: session.id, subject: session.subject, ip: session.firstIp })
  return issued
}

/** Both sessions must not live: when the old one cannot be ended, the new one, which nobody holds yet, is. */
async function endVisitor(core: Core, visitor: SessionRecord, issued: SessionId): Promise<void> {
  try {
    await revokeTarget(core, { id: visitor.id }, 'promoted')
  } catch (fault) {
    await revokeTarget(core, { id: issued }, 'promoted').catch(() => undefined)
    throw fault
  }
}
