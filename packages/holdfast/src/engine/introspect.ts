/** What an access token is good for, as told to whoever guards something elsewhere (RFC 7662). */
import type { SessionRecord } from '../store/store.ts'
import { isGranted } from './access.ts'
import type { TokenVerdict } from './api.ts'
import { type Core, endedBy, lookUpRecord, nowOf } from './core.ts'
import { elevationAt } from './record.ts'
import { deadFor, missing, unknownFor } from './refusal.ts'
import { viewOf } from './session.ts'
import { type Presented, presentedAs, type Standing, standingOf } from './standing.ts'

/** An access token says when it ends; a session's own secret does not, and is nobody's to be asked about. */
function isAccessToken(presented: Presented): presented is Presented & { readonly expiresAt: number } {
  return presented.expiresAt !== null && (presented.kind === 'session' || presented.kind === 'jwt')
}

export async function introspect(core: Core, token: string | null | undefined): Promise<TokenVerdict> {
  if (token === null || token === undefined || token === '') return missing
  try {
    return await judge(core, presentedAs(core, token, nowOf(core), 'any'))
  } catch (fault) {
    return unknownFor(core, fault, null)
  }
}

async function judge(core: Core, presented: ReturnType<typeof presentedAs>): Promise<TokenVerdict> {
  if (presented === 'expired') return deadFor(core, 'token-expired', undefined, null)
  if (typeof presented !== 'object') return deadFor(core, 'invalid', undefined, null, presented)
  if (!isAccessToken(presented)) return deadFor(core, 'invalid', undefined, null)
  if (nowOf(core) >= presented.expiresAt) return deadFor(core, 'token-expired', undefined, null)
  const record = await lookUpRecord(core, presented.id)
  if (record === undefined) return deadFor(core, 'not-found', undefined, null)
  const standing = isGranted(record) ? standingOf(core, record, presented, nowOf(core)) : undefined
  if (standing === undefined) return deadFor(core, 'superseded', record, null)
  const ended = endedBy(core, record, nowOf(core))
  return ended === undefined ? told(core, presented, record, standing) : deadFor(core, ended, record, null)
}

function told(core: Core, presented: Presented, record: SessionRecord, { current, until }: Standing): TokenVerdict {
  const elevated = current && elevationAt(record, nowOf(core)) !== null
  const claims = presented.kind === 'jwt' ? presented.claims : undefined
  const granted = record.grant?.audience ?? null
  return {
    status: 'live',
    session: viewOf(record, { elevated, stepUpRequired: false }),
    expiresAt: until,
    audience: claims === undefined ? (granted === null ? [] : [granted]) : [claims.aud].flat(),
    tokenId: claims?.jti ?? null,
    issuedAt: claims === undefined ? null : claims.iat * 1000,
    jkt: record.binding.jkt,
  }
}
