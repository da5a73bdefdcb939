/** A new secret for the same session: after a credential change, and with more rights at a step-up. */
import type { Instant, SessionId, SessionRecord } from '../store/store.ts'
import { isGranted, mintAccess } from './access.ts'
import type { ElevateInput } from './api.ts'
import { checkLevel, checkMethods } from './assurance.ts'
import { changeRecord } from './change.ts'
import { type Core, listed, nowOf } from './core.ts'
import { invalidField } from './errors.ts'
import { fingerprintOf, keptUserAgent, labelOf } from './fingerprint.ts'
import { checkInput, checkSessionId, inputRules } from './inputs.ts'
import { cutLineage } from './lineage.ts'
import { keptAddress } from './network.ts'
import { elevationAt } from './record.ts'
import type { Issued, RequestContext } from './session.ts'
import type { Minted } from './token.ts'

function mintNext(core: Core, record: SessionRecord): Minted {
  const kind = isGranted(record) ? 'refresh' : record.subject === null ? 'anonymous' : 'session'
  return core.tokens.mint({ kind, id: record.id, generation: record.generation + 1 })
}

/** Access tokens die with the salt that they derive from, and the lineage of refresh tokens is cut. */
function regranted(core: Core, { grant, nonce }: SessionRecord, now: Instant): Pick<SessionRecord, 'grant' | 'nonce'> {
  return grant === null ? { grant, nonce } : { grant: { ...grant, salt: core.tokens.newSalt() }, nonce: cutLineage(now) }
}

/** What the client is handed: the new secret itself, or an access token where tokens carry the session. */
function handOver(core: Core, record: SessionRecord, minted: Minted | undefined): Issued | undefined {
  const now = nowOf(core)
  const session = listed(record, now)
  if (!isGranted(record)) return minted && { session, token: minted.token }
  const { token } = mintAccess(core, record, now, true)
  return { session, token, ...(minted === undefined ? {} : { refreshToken: minted.token }) }
}

/** Replaces the secret; the old one is dead at once (ASVS 7.2.4). */
export async function regenerate(core: Core, id: SessionId): Promise<Issued | undefined> {
  checkSessionId(id)
  let minted: Minted | undefined
  const record = await changeRecord(core, id, (current) => {
    const now = nowOf(core)
    minted = mintNext(core, current)
    return {
      ...current,
      // What has decayed is not carried over: a clock that goes back must not raise the new secret.
      elevation: elevationAt(current, now),
      digest: minted.digest,
      previous: null,
      generation: current.generation + 1,
      rotatedAt: now,
      ...regranted(core, current, now),
    }
  })
  if (record === undefined) return undefined
  core.events.emit({ kind: 'session_renewed', session: id, subject: record.subject })
  return handOver(core, record, minted)
}

/** The client that proved itself anew becomes the session's own. */
function rebound(core: Core, record: SessionRecord, context: RequestContext | undefined): SessionRecord {
  if (context === undefined) return record
  const { userAgent, ip } = context
  return {
    ...record,
    binding: { ...record.binding, fingerprint: fingerprintOf(core.keyring, userAgent) },
    userAgent: keptUserAgent(userAgent),
    label: labelOf(userAgent),
    lastIp: keptAddress(ip) ?? record.lastIp,
  }
}

/** A length that is no number would be stored as one that no store can read back. */
function checkLength(forMs: number): number {
  if (Number.isSafeInteger(forMs) && forMs > 0) return forMs
  throw invalidField('forMs', 'must be a whole number of milliseconds, 1 or more')
}

/**
 * Records a step-up and replaces the secret. The one before stays good for the `stepUpGrace`, so that requests in
 * flight and other tabs do not fail, but it never carries the new rights. Where tokens carry the session, the new
 * access token alone carries them: neither an earlier one nor any that a refresh gives.
 */
export async function elevate(core: Core, id: SessionId, input: ElevateInput): Promise<Issued | undefined> {
  checkSessionId(id)
  checkInput(input, 'input', inputRules.elevate)
  const { elevation, stepUpGrace } = core.settings
  const length = Math.min(checkLength(input.forMs ?? elevation), elevation)
  const amr = checkMethods(input.amr)
  const acr = checkLevel(input.acr ?? null)
  let minted: Minted | undefined
  const record = await changeRecord(core, id, (current) => {
    // A step-up proves a subject; a visitor has none to prove.
    if (current.subject === null) return undefined
    const now = nowOf(core)
    const raised: SessionRecord = {
      ...rebound(core, current, input.context),
      elevation: {
        since: now,
        until: Math.min(now + length, current.absoluteExpiresAt),
        amr: checkMethods([...new Set([...current.amr, ...amr])]),
        acr: acr ?? current.acr,
      },
    }
    if (isGranted(current)) return raised
    minted = mintNext(core, current)
    return {
      ...raised,
      digest: minted.digest,
      previous: stepUpGrace === 0 ? null : { digest: current.digest, until: now + stepUpGrace },
      generation: current.generation + 1,
      rotatedAt: now,
    }
  })
  if (record === undefined) return undefined
  core.events.emit({ kind: 'session_elevated', session: id, subject: record.subject, ip: input.context?.ip ?? null })
  return handOver(core, record, minted)
}
