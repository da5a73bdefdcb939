/** A presented text as a token of ours, and what the record says of it. */
import type { Instant, SessionRecord, TokenGrant } from '../store/store.ts'
import { isGranted } from './access.ts'
import { stepUpMark } from './assurance.ts'
import type { Remembered } from './cache.ts'
import type { Core } from './core.ts'
import { equalText } from './crypto.ts'
import { looksLikeJwt, type PresentedJwt } from './jwt/access-tokens.ts'
import type { JwtProblem } from './jwt/read.ts'
import { placeOf } from './lineage.ts'
import { readToken } from './refusal.ts'
import type { ParsedToken } from './token.ts'

/** A token of ours, as it says itself, before its record is asked. */
export type Presented = ParsedToken | PresentedJwt

/** What is none of ours is `undefined`, or why where there is a name for it. `audience`: see `AccessTokens.read`. */
export function presentedAs(
  core: Core,
  token: unknown,
  now: Instant,
  audience?: 'own' | 'any',
): Presented | JwtProblem | undefined {
  if (core.jwt !== null && typeof token === 'string' && looksLikeJwt(token)) return core.jwt.read(token, now, audience)
  return readToken(core, token)
}

/** What the record says of the presented credential: see `Remembered`. */
export type Standing = Pick<Remembered, 'current' | 'until'>

/** `undefined` for a credential that does not open the session, or not any more. */
export function standingOf(core: Core, record: SessionRecord, presented: Presented, now: Instant): Standing | undefined {
  if (presented.kind === 'jwt') return standingOfJwt(core, record, presented)
  const { expiresAt } = presented
  if (record.grant === null) return expiresAt === null ? standingOfSecret(record, presented, now) : undefined
  return expiresAt === null ? undefined : standingOfAccess(core, record, record.grant, { ...presented, expiresAt })
}

function standingOfSecret({ digest, previous }: SessionRecord, parsed: ParsedToken, now: Instant): Standing | undefined {
  if (equalText(parsed.digest, digest)) return { current: true, until: Number.POSITIVE_INFINITY }
  // The secret that a step-up replaced a moment ago: requests in flight and other tabs still carry it.
  const isGrace = previous !== null && now < previous.until && equalText(parsed.digest, previous.digest)
  return isGrace ? { current: false, until: previous.until } : undefined
}

/** The record keeps no digest of an access token: key, salt and the token's own bounds say what its secret must be. */
function standingOfAccess(
  { tokens }: Core,
  { elevation }: SessionRecord,
  { salt }: TokenGrant,
  parsed: ParsedToken & { readonly expiresAt: Instant },
): Standing | undefined {
  if (!equalText(parsed.digest, tokens.accessDigest(parsed, salt))) return undefined
  const { generation: stepUp, expiresAt } = parsed
  return { current: stepUp !== 0 && stepUp === stepUpMark(elevation), until: expiresAt }
}

/** Authentic to the world; to us only when it also fits what the record alone holds. */
function standingOfJwt(core: Core, record: SessionRecord, presented: PresentedJwt): Standing | undefined {
  const rights = core.jwt?.rightsOf(record, presented)
  return rights === undefined ? undefined : { current: rights === 'elevated', until: presented.expiresAt }
}

/** Whether a token could be used at `now`: to open the session of the record, or to be refreshed within the grace window. */
export function isGoodFor(core: Core, record: SessionRecord, token: string, presented: Presented, now: Instant): boolean {
  if (presented.expiresAt !== null && now >= presented.expiresAt) return false
  if (presented.kind !== 'refresh') return standingOf(core, record, presented, now) !== undefined
  if (!isGranted(record)) return false
  const { is } = placeOf(core.tokens, record, { token, parsed: presented, now, grace: core.settings.tokens.grace })
  return is === 'current' || is === 'recent'
}
