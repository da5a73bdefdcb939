/**
 * Exchanging a refresh token for its successor. The session is the family: there is no table of tokens, and rotation
 * is one compare-and-swap of the record, so that of parallel exchanges one rotates and the others are led to the same
 * successor (RFC 9700 section 4.14.2, fault F-13).
 */
import type { SessionId, SessionRecord } from '../store/store.ts'
import { type GrantedRecord, isGranted, mintAccess } from './access.ts'
import { type BindingCheck, checkBinding, unremarkable } from './bind.ts'
import { mostAttempts, replaced } from './change.ts'
import { type Core, endedBy, forget, nowOf, read } from './core.ts'
import { storeUnavailable } from './errors.ts'
import { matchesFingerprint } from './fingerprint.ts'
import { checkContext } from './inputs.ts'
import { placeOf, rotationsOf, withRotation } from './lineage.ts'
import { keptAddress } from './network.ts'
import { sightingOf, withSighting } from './record.ts'
import { deadFor, missing, readToken, unknownFor } from './refusal.ts'
import { revokeTarget } from './revoke.ts'
import { type RefreshContext, type RefreshVerdict, type RequestContext, viewOf } from './session.ts'
import type { ParsedToken } from './token.ts'

/** How a spent token came to count as reused; told in the event. */
type Reuse = 'late' | 'stray' | 'other-client'

/** One exchange on its way: the token as presented and as read, and by whom. */
interface Exchange {
  readonly token: string
  readonly parsed: ParsedToken
  readonly client: RefreshContext | null
}

export async function refresh(core: Core, token: string | null | undefined, context?: RefreshContext): Promise<RefreshVerdict> {
  if (token === null || token === undefined || token === '') return missing
  const client = context ?? null
  checkContext(client)
  try {
    const parsed = readToken(core, token)
    if (parsed?.kind !== 'refresh') return deadFor(core, 'invalid', undefined, client)
    return await exchange(core, { token, parsed, client })
  } catch (fault) {
    return unknownFor(core, fault, client)
  }
}

/** Of whatever carries a session: the tag says that this service made it, and nothing more. */
export function sessionOf(core: Core, token: string): SessionId | undefined {
  const parsed = readToken(core, token)
  return parsed?.kind === 'ticket' ? undefined : parsed?.id
}

async function exchange(core: Core, given: Exchange): Promise<RefreshVerdict> {
  const { parsed, client } = given
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    const record = await read(core, () => core.store.get(parsed.id))
    if (record === undefined) return deadFor(core, 'not-found', undefined, client)
    if (!isGranted(record)) return deadFor(core, 'invalid', record, client)
    const ended = endedBy(core, record, nowOf(core))
    if (ended !== undefined) return deadFor(core, ended, record, client)
    const verdict = await judge(core, given, record)
    if (verdict !== undefined) return verdict
  }
  throw storeUnavailable(new Error('the record changed at every attempt'))
}

/** `undefined` when another exchange came first: then this one is a repetition. */
async function judge(core: Core, given: Exchange, record: GrantedRecord): Promise<RefreshVerdict | undefined> {
  const { token, parsed, client } = given
  const now = nowOf(core)
  const place = placeOf(core.tokens, record, { token, parsed, now, grace: core.settings.tokens.grace })
  if (place.is === 'unplaced') return deadFor(core, 'superseded', record, client)
  if (place.is === 'reused') return reused(core, record, client, place.how)
  if (place.is === 'recent' && isOtherClient(core, record, client)) return reused(core, record, client, 'other-client')
  const binding = checkClient(core, record, client)
  if (binding.outcome === 'deny' || binding.outcome === 'revoke') return refuseClient(core, record, binding)
  if (place.is === 'current') return rotate(core, given, record, binding)
  core.events.emit({ kind: 'session_refresh_repeated', ...about(record, client) })
  return answer(core, record, place.current, binding)
}

function about({ id, subject }: SessionRecord, client: RequestContext | null) {
  return { session: id, subject, ip: client?.ip ?? null }
}

function namesOther({ grant }: GrantedRecord, client: RefreshContext | null): boolean {
  return client !== null && grant.clientId !== null && client.clientId !== grant.clientId
}

/** By what ties the session to its client, whatever the policy does about it. A changed network is no other client. */
function isOtherClient(core: Core, record: GrantedRecord, client: RefreshContext | null): boolean {
  if (client === null) return false
  const { fingerprint } = record.binding
  const isBound = fingerprint !== null && core.settings.fingerprint !== 'off'
  return namesOther(record, client) || (isBound && !matchesFingerprint(core.keyring, fingerprint, client.userAgent))
}

/** RFC 6749 section 6: a refresh token is bound to the client that it was issued to. */
function checkClient(core: Core, record: GrantedRecord, client: RefreshContext | null): BindingCheck {
  if (client === null) return unremarkable
  if (!namesOther(record, client)) return checkBinding(core, record, client)
  core.events.emit({ kind: 'session_binding_mismatch', ...about(record, client), outcome: 'deny' })
  return { outcome: 'deny', moved: false }
}

async function refuseClient(core: Core, { id }: SessionRecord, { outcome }: BindingCheck): Promise<RefreshVerdict> {
  if (outcome === 'revoke') await revokeTarget(core, { id }, 'binding-mismatch')
  return { status: 'dead', reason: 'binding-mismatch' }
}

/** The event goes first: the store may be down, and the alarm must not wait for it. */
async function reused(core: Core, record: SessionRecord, client: RequestContext | null, how: Reuse): Promise<RefreshVerdict> {
  const { onReuse } = core.settings.tokens
  core.events.emit({ kind: 'authn_token_reuse', ...about(record, client), reason: how, outcome: onReuse })
  const wide = onReuse === 'subject' && record.subject !== null
  await revokeTarget(core, wide ? { subject: record.subject } : { id: record.id }, 'reuse')
  return { status: 'dead', reason: 'reuse' }
}

async function rotate(
  core: Core,
  { token, parsed, client }: Exchange,
  record: GrantedRecord,
  binding: BindingCheck,
): Promise<RefreshVerdict | undefined> {
  const now = nowOf(core)
  const nonce = core.tokens.newNonce()
  const lineage = withRotation(rotationsOf(record), { nonce, at: now }, core.settings.tokens.grace)
  const next = core.tokens.successor(token, parsed, [nonce])
  if (lineage === undefined || next === undefined) return answer(core, record, token, binding)
  // Until the step-up that its policy asks for, a new address does not become the session's own.
  const ip = binding.outcome === 'pass' ? keptAddress(client?.ip) : null
  const rotated: GrantedRecord = {
    ...withSighting(record, sightingOf(record, now, ip)),
    grant: record.grant,
    digest: next.digest,
    generation: record.generation + 1,
    nonce: lineage,
    rotatedAt: now,
  }
  // Made before the write, so that a fault in it spends nothing.
  const verdict = answer(core, rotated, next.token, binding)
  const won = await replaced(core, record, rotated)
  forget(core, [record.id])
  if (!won) return undefined
  core.events.emit({ kind: 'session_renewed', ...about(record, client) })
  return verdict
}

/** No refresh raises assurance: the access token carries no step-up, whoever may have made one meanwhile. */
function answer(core: Core, record: GrantedRecord, refreshToken: string, binding: BindingCheck): RefreshVerdict {
  const access = mintAccess(core, record, nowOf(core), false)
  const session = viewOf(record, { elevated: false, stepUpRequired: binding.outcome === 'step-up' })
  return { status: 'live', session, accessToken: access.token, accessExpiresAt: access.expiresAt, refreshToken }
}
