/** Presented token to verdict. The hot path of everything: on a hit it answers at once, without a promise. */
import type { DeadReason } from '../shared/codes.ts'
import type { Awaitable, Instant, SessionRecord } from '../store/store.ts'
import type { VerifyOptions } from './api.ts'
import { type BindingCheck, checkBinding, unremarkable } from './bind.ts'
import type { Remembered } from './cache.ts'
import { type Core, endedBy, lookUpRecord, nowOf } from './core.ts'
import type { Flight } from './flights.ts'
import { checkContext } from './inputs.ts'
import type { JwtProblem } from './jwt/read.ts'
import { keptAddress } from './network.ts'
import { elevationAt, sightingOf, touchInterval, withSighting } from './record.ts'
import { deadFor, missing, unknownFor } from './refusal.ts'
import { revokeTarget } from './revoke.ts'
import { type RequestContext, type Verdict, viewOf } from './session.ts'
import { type Presented, presentedAs, type Standing, standingOf } from './standing.ts'
import type { ParsedToken } from './token.ts'

/** One check on its way: what was presented, by whom, when, and what this node knew when it set out. */
interface Check {
  readonly token: string
  /** Null when the caller has no request: then the client is not compared. */
  readonly client: RequestContext | null
  readonly now: Instant
  /** `cache.changes` before the record was read: unless it still holds, the record may be old already. */
  readonly since: number
  readonly flight: Flight | undefined
  readonly authentic: ParsedToken | null
  /** What this node remembers of the credential though the store is asked. */
  readonly held: Remembered | undefined
}

type Flown = Check & { readonly flight: Flight }

export function verify(
  core: Core,
  token: string | null | undefined,
  context?: RequestContext,
  options?: VerifyOptions,
): Awaitable<Verdict> {
  if (token === null || token === undefined || token === '') {
    core.tally.dead.missing += 1
    return missing
  }
  const client = context ?? null
  try {
    const now = nowOf(core)
    if (options?.fresh === true) return lookUp(core, token, client, now, true, core.cache.find(token))
    let held: Remembered | undefined
    if (core.confirmation.holds(now)) {
      const entry = core.cache.find(token)
      if (entry !== undefined && now < entry.reviewAt && answersFor(client, entry)) {
        core.tally.remembered += 1
        return entry.verdict
      }
      if (entry !== undefined && now < entry.validUntil) {
        checkContext(client)
        core.tally.reviewed += 1
        const check = {
          token,
          client,
          now,
          since: core.cache.changes,
          flight: undefined,
          authentic: entry.authentic,
          held: undefined,
        }
        return accept(core, check, entry.record, entry)
      }
      held = entry
    }
    return lookUp(core, token, client, now, false, held)
  } catch (fault) {
    return unknown(core, fault, client)
  }
}

/** Whether the verdict for the client checked last is the one that this client would get. */
function answersFor(presented: RequestContext | null, { compared, ip, userAgent, verdict }: Remembered): boolean {
  if (presented === null) return !verdict.session.stepUpRequired
  return compared && presented.ip === ip && presented.userAgent === userAgent
}

/** What is none of ours, with why where there is a name for it. */
function parse(core: Core, token: string, now: Instant): Presented | JwtProblem | undefined {
  const presented = presentedAs(core, token, now)
  if (typeof presented !== 'object') return presented
  // A refresh token is for `refresh` alone (ASVS 9.2.2), and a ticket opens one connection, once, and nothing else.
  return presented.kind === 'refresh' || presented.kind === 'ticket' ? undefined : presented
}

/** `held`: what this node remembers of the credential; whether its session is live is asked all the same. */
function lookUp(
  core: Core,
  token: string,
  client: RequestContext | null,
  now: Instant,
  fresh: boolean,
  held: Remembered | undefined,
): Awaitable<Verdict> {
  checkContext(client)
  const parsed = held?.authentic ?? parse(core, token, now)
  if (parsed === 'expired') return dead(core, 'token-expired', undefined, client)
  if (typeof parsed !== 'object') return dead(core, 'invalid', undefined, client, parsed)
  if (parsed.expiresAt !== null && now >= parsed.expiresAt) return dead(core, 'token-expired', undefined, client)

  const since = core.cache.changes
  if (!fresh) core.tally.missed += 1
  const own = parsed.kind === 'jwt' ? null : parsed
  const unshared = { token, client, now, since, flight: undefined, authentic: own, held }
  const ended = fresh ? undefined : core.ended.get(parsed.id)
  if (ended !== undefined) return judge(core, unshared, parsed, ended)
  const joined = fresh ? undefined : core.flights.join(token, now, core.confirmation)
  const loading = joined?.record ?? lookUpRecord(core, parsed.id, held?.record)
  if (!(loading instanceof Promise)) return judge(core, unshared, parsed, loading)

  const flight = joined ?? core.flights[fresh ? 'startAlone' : 'start'](token, parsed.id, now, loading)
  return flight.record.then(
    (record) => land(core, { token, client, now: nowOf(core), since, flight, authentic: own, held }, parsed, record),
    (fault: unknown) => {
      core.flights.leave(flight)
      return unknown(core, fault, client)
    },
  )
}

function land(core: Core, check: Flown, parsed: Presented, record: SessionRecord | undefined): Awaitable<Verdict> {
  try {
    return judge(core, check, parsed, record)
  } catch (fault) {
    return unknown(core, fault, check.client)
  } finally {
    core.flights.leave(check.flight)
  }
}

function judge(core: Core, check: Check, parsed: Presented, record: SessionRecord | undefined): Awaitable<Verdict> {
  const { client, now } = check
  if (record === undefined) return dead(core, 'not-found', undefined, client)
  core.lag.saw(record)
  if (isUnchanged(core, check, record)) {
    core.tally.live += 1
    return check.held.verdict
  }
  if ((parsed.kind === 'anonymous') !== (record.subject === null)) return dead(core, 'invalid', record, client)
  const standing = standingOf(core, record, parsed, now)
  if (standing === undefined) return dead(core, 'superseded', record, client)
  const ended = endedBy(core, record, now)
  if (ended !== undefined) return dead(core, ended, record, client)
  return accept(core, check, record, standing)
}

/**
 * Whether the store has, this moment, the very record that the verdict which is held was made of. The same credential, record and
 * client before anything falls due have the same verdict: nothing in it need be worked out again.
 */
function isUnchanged(core: Core, check: Check, record: SessionRecord): check is Check & { readonly held: Remembered } {
  const { client, now, held } = check
  if (held?.record !== record || now >= held.reviewAt || !answersFor(client, held)) return false
  return endedBy(core, record, now) === undefined
}

/** A live record: the client is checked, activity noted, the verdict made and remembered. */
function accept(core: Core, check: Check, record: SessionRecord, standing: Standing): Awaitable<Verdict> {
  const { client, now } = check
  const { current, until } = standing
  const binding = client === null ? unremarkable : checkBinding(core, record, client)
  if (binding.outcome === 'deny' || binding.outcome === 'revoke') return refuseClient(core, record, client, binding)
  const touched = note(core, check, record, binding)
  const elevated = current && elevationAt(record, now) !== null
  const session = viewOf(touched, { elevated, stepUpRequired: binding.outcome === 'step-up' })
  const verdict = Object.freeze({ status: 'live', session } as const)
  core.tally.live += 1
  if (mayRemember(core, check)) {
    const changesAt = validUntil(touched, until, now)
    core.cache.put({
      credential: check.token,
      verdict,
      reviewAt: Math.min(changesAt, touched.seenAt + touchInterval(touched)),
      ip: client?.ip,
      userAgent: client?.userAgent,
      compared: client !== null,
      record: touched,
      validUntil: changesAt,
      current,
      until,
      authentic: check.authentic,
      used: false,
    })
  }
  return verdict
}

/** The feed is asked first: asking may tell of the very change that makes this record old. */
function mayRemember(core: Core, { now, since, flight }: Check): boolean {
  if (!core.confirmation.holds(now)) return false
  return flight === undefined ? core.cache.changes === since : !core.flights.isSpoiled(flight)
}

/** The first instant after `now` at which the answer for this credential may change by time alone. */
function validUntil(record: SessionRecord, credentialUntil: Instant, now: Instant): Instant {
  const until = Math.min(record.idleExpiresAt, record.absoluteExpiresAt, credentialUntil)
  return Math.min(until, elevationAt(record, now)?.until ?? until)
}

/** Records activity when it is due, or at once when the client moved to another network. */
export function note(
  core: Core,
  { client, now }: Pick<Check, 'client' | 'now'>,
  record: SessionRecord,
  binding: BindingCheck,
): SessionRecord {
  const pending = core.touches.pending(record.id)
  const known = pending === undefined ? record : withSighting(record, pending)
  // Until the step-up that its policy asks for, a new address does not become the session's own.
  const accepted = binding.outcome === 'pass'
  if (!(accepted && binding.moved) && now < known.seenAt + touchInterval(known)) return known
  const sighting = sightingOf(known, now, accepted ? keptAddress(client?.ip) : null)
  core.touches.note(sighting)
  return withSighting(known, sighting)
}

export function refuseClient(
  core: Core,
  record: SessionRecord,
  client: RequestContext | null,
  binding: BindingCheck,
): Awaitable<Verdict> {
  const refused = (): Verdict => {
    core.tally.dead['binding-mismatch'] += 1
    return { status: 'dead', reason: 'binding-mismatch' }
  }
  if (binding.outcome !== 'revoke') return refused()
  return revokeTarget(core, { id: record.id }, 'binding-mismatch').then(refused, (fault: unknown) => unknown(core, fault, client))
}

export function dead(
  core: Core,
  reason: DeadReason,
  record: SessionRecord | undefined,
  client: RequestContext | null,
  why: string | null = null,
): Verdict {
  core.tally.dead[reason] += 1
  return deadFor(core, reason, record, client, why)
}

export function unknown(core: Core, fault: unknown, client: RequestContext | null): Verdict {
  const verdict = unknownFor(core, fault, client)
  core.tally.unknown[verdict.code] += 1
  return verdict
}
