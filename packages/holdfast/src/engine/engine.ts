/** The composition root of the engine: settings and store in, every operation out. */
import type { Attributes, SessionId } from '../store/store.ts'
import type { ConnectionEnd, EngineApi, LiveConnection } from './api.ts'
import { Confirmation, VerifiedCache } from './cache.ts'
import { Connections } from './connections.ts'
import { type Core, lookUpRecord, nowOf } from './core.ts'
import { equalText, RandomPool } from './crypto.ts'
import { EndedSessions } from './ended.ts'
import { eventId, eventNameOf } from './event-id.ts'
import { Events } from './events.ts'
import { Flights } from './flights.ts'
import { Guard } from './guard.ts'
import { checkEvent, checkFunction, checkSession, checkSessionId } from './inputs.ts'
import { introspect } from './introspect.ts'
import { issue, issueAnonymous } from './issue.ts'
import { issueTokens } from './issue-tokens.ts'
import { createAccessTokens } from './jwt/access-tokens.ts'
import { createKeyring } from './keyring.ts'
import { get, list } from './list.ts'
import { Moves } from './moves.ts'
import type { EngineOptions, EngineSettings } from './options.ts'
import { PendingRevocations } from './pending.ts'
import { promote } from './promote.ts'
import { withSighting } from './record.ts'
import { refresh, sessionOf } from './refresh.ts'
import { elevate, regenerate } from './regenerate.ts'
import { repeatRevocation, revoke, revokeAll, revokeToken } from './revoke.ts'
import { openingOf, type Session } from './session.ts'
import { LagMeter, type Stats, Tally } from './stats.ts'
import { sweep, sweepRegularly } from './sweep.ts'
import { issueTicket, redeemTicket } from './ticket.ts'
import { createTokens } from './token.ts'
import { TouchBuffer } from './touch.ts'
import { update } from './update.ts'
import { verify } from './verify.ts'

/** How often live connections are looked after: the change feed is asked as often as checks ask it. */
const feedChecksPerBound = 20
/** Without a feed to trust every session is looked up, so less often: a quarter of the revocation bound. */
const lookUpsPerBound = 4
const shortestConnectionCheck = 10

function createCore(settings: EngineSettings, store: EngineOptions['store']): Core {
  const { clock, onFault, writeDeadline, maxStaleness } = settings
  const guard = new Guard(settings)
  const keyring = createKeyring(settings.secrets)
  const random = new RandomPool(settings.random)
  const events = new Events(() => clock.now(), onFault)
  const confirmation = new Confirmation(store.changes, maxStaleness)
  const core: Core = {
    settings,
    store,
    guard,
    keyring,
    random,
    tokens: createTokens(keyring, random),
    jwt: settings.jwt === null ? null : createAccessTokens(settings.jwt, keyring, random),
    events,
    cache: new VerifiedCache(settings.rememberedChecks),
    ended: new EndedSessions(),
    confirmation,
    flights: new Flights(),
    touches: new TouchBuffer({
      write: (sightings) => guard.writes.run(writeDeadline, () => store.touch(sightings)),
      clock,
      onFault,
    }),
    connections: new Connections({
      clock,
      confirmation,
      load: async (id) => {
        const record = await lookUpRecord(core, id)
        const pending = core.touches.pending(id)
        return record === undefined || pending === undefined ? record : withSighting(record, pending)
      },
      reasonFor: (record) => core.pending.reasonFor(record),
      onExpired: (record) => events.emit({ kind: 'session_expired', session: record.id, subject: record.subject }),
      onActivity: (sighting) => core.touches.note(sighting),
      onFault,
      every: Math.max(Math.floor(maxStaleness / feedChecksPerBound), shortestConnectionCheck),
      unconfirmedEvery: Math.max(Math.floor(maxStaleness / lookUpsPerBound), shortestConnectionCheck),
      grace: settings.connectionGrace,
    }),
    pending: new PendingRevocations({
      clock,
      onFault,
      apply: (target, revocation) => repeatRevocation(core, target, revocation),
    }),
    tally: new Tally(),
    lag: new LagMeter(),
    moves: new Moves(),
  }
  return core
}

function followChanges(core: Core): () => void {
  const stop = core.store.changes?.subscribe((ids, ended) => {
    if (ids === undefined) {
      core.cache.clear()
      core.flights.spoilAll()
      core.connections.recheck()
      return
    }
    for (const id of ids) {
      const record = core.cache.drop(id)
      if (record !== undefined) core.lag.forgot(id, nowOf(core))
      core.flights.spoil(id)
      if (ended === undefined) continue
      core.lag.saw({ id, revokedAt: ended.at })
      if (record !== undefined) core.ended.add(record, ended)
      core.connections.end(id, { cause: 'revoked', reason: ended.reason })
    }
    core.connections.recheck(ids)
  })
  return stop ?? (() => undefined)
}

function statsOf({ tally, cache, confirmation, lag, guard, connections, touches, pending }: Core): Stats {
  return {
    verdicts: tally.verdicts,
    cache: { size: cache.size, capacity: cache.capacity, hits: tally.remembered + tally.reviewed, misses: tally.missed },
    changes: { ...confirmation.stats, lagMs: lag.lagMs },
    store: { reads: guard.reads.stats, writes: guard.writes.stats },
    connections: connections.count,
    pendingTouches: touches.size,
    pendingRevocations: pending.size,
  }
}

function connect(core: Core, session: Session, close: (end: ConnectionEnd) => void): LiveConnection {
  checkSession(session)
  checkFunction(close, 'close')
  // A view does not say how long the idle limit is, only when it falls; the first look at the store does.
  const idleTimeout = session.idleExpiresAt - session.seenAt
  const { id, seenAt, idleExpiresAt, absoluteExpiresAt, lastIp } = session
  const lifetime = { id, seenAt, idleTimeout, idleExpiresAt, absoluteExpiresAt, lastIp }
  return core.connections.attach(session, lifetime, openingOf(session), close)
}

/** An engine over settings that `parseEngineOptions` found no fault with. */
export function createEngine<A extends Attributes>(settings: EngineSettings, store: EngineOptions['store']): EngineApi<A> {
  const core = createCore(settings, store)
  const stopFollowing = followChanges(core)
  const stopSweeping = sweepRegularly(core)
  const csrfOf = (id: SessionId, at = core.keyring.signing) => {
    checkSessionId(id)
    return at.mac('csrf').signText(id)
  }

  const api: EngineApi = {
    issue: (input) => issue(core, input),
    issueAnonymous: (input) => issueAnonymous(core, input),
    promote: (anonymous, input) => promote(core, anonymous, input, (merged) => issue(core, merged)),
    issueTokens: (input) => issueTokens(core, input),
    refresh: (token, context) => refresh(core, token, context),
    sessionOf: (token) => sessionOf(core, token),
    verify: (token, context, options) => verify(core, token, context, options),
    introspect: (token) => introspect(core, token),
    regenerate: (session) => regenerate(core, session),
    elevate: (session, input) => elevate(core, session, input),
    update: (session, change) => update(core, session, change),
    get: (session) => get(core, session),
    list: (input) => list(core, input),
    revoke: (target, options) => revoke(core, target, options),
    revokeToken: (token, options) => revokeToken(core, token, options),
    revokeAll: () => revokeAll(core),
    sweep: () => sweep(core),
    on: (listener) => {
      checkFunction(listener, 'listener')
      return core.events.on(listener)
    },
    stats: () => statsOf(core),
    emit: (event) => {
      checkEvent(event)
      core.events.emit(event)
    },
    attach: (session, close) => {
      const connection = connect(core, session, close)
      return () => connection.detach()
    },
    connect: (session, close) => connect(core, session, close),
    issueTicket: (session, context) => issueTicket(core, session, context),
    redeemTicket: (ticket, context) => redeemTicket(core, ticket, context ?? null),
    eventId: (session, name) => eventId(core.keyring.signing, session, name),
    eventNameOf: (session, id) => eventNameOf(core.keyring, session, id),
    csrfToken: (session) => csrfOf(session),
    jwks: () => core.jwt?.jwks ?? { keys: [] },
    checkCsrfToken: (session, token) =>
      core.keyring.all.some((key) => typeof token === 'string' && equalText(csrfOf(session, key), token)),
    close: async () => {
      stopSweeping()
      await core.connections.close()
      await core.pending.stop()
      await core.touches.flush()
      core.touches.stop()
      core.guard.stop()
      stopFollowing()
      // Nobody tells of changes any more, so nothing may be remembered.
      core.confirmation.stop()
    },
  }
  // Attributes are validated on the way in, so that what comes out has the type that the schema promised.
  return api as unknown as EngineApi<A>
}
