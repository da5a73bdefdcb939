/**
 * What is measured, a row for each metric. Labels take their values from closed lists of ours: nothing that a client says
 * becomes a series, and nothing that identifies anybody is told.
 */
import type { EventKind, Stats, StoreCallStats } from 'holdfast'
import type { EventTrail } from 'holdfast/defence/event-trail'
import type { QueueLoad } from '../passwords/queue.ts'
import type { WebhookStats } from '../webhook/webhook.ts'

/** What the metrics are read from, at each scrape. */
export interface Sources {
  readonly stats: Stats
  /** Security events told on this node since it started. */
  readonly events: ReadonlyMap<EventKind, number>
  readonly passwords: QueueLoad
  readonly trail: Pick<EventTrail, 'waiting' | 'lost'>
  readonly webhook: WebhookStats
}

export type Labels = Readonly<Record<string, string>>
export type Reading = readonly [value: number, labels?: Labels]

export interface Metric {
  readonly type: 'counter' | 'gauge'
  readonly means: string
  readonly labels?: readonly string[]
  readonly read: (sources: Sources) => readonly Reading[]
}

function verdictsOf({ stats: { verdicts } }: Sources): readonly Reading[] {
  const each = (verdict: string, counts: Readonly<Record<string, number>>): Reading[] =>
    Object.entries(counts).map(([reason, count]) => [count, { verdict, reason }])
  return [
    [verdicts.live, { verdict: 'live', reason: 'none' }],
    ...each('dead', verdicts.dead),
    ...each('unknown', verdicts.unknown),
  ]
}

function callsOf(read: (calls: StoreCallStats) => number): Metric['read'] {
  return ({ stats: { store } }) => [
    [read(store.reads), { calls: 'reads' }],
    [read(store.writes), { calls: 'writes' }],
  ]
}

const circuitStates = ['closed', 'open', 'half-open'] as const satisfies readonly StoreCallStats['circuit'][]

function circuitsOf({ stats: { store } }: Sources): readonly Reading[] {
  return (['reads', 'writes'] as const).flatMap((calls) =>
    circuitStates.map((state): Reading => [Number(store[calls].circuit === state), { calls, state }]),
  )
}

/** One number, without labels. */
function one(read: (sources: Sources) => number): Metric['read'] {
  return (sources) => [[read(sources)]]
}

/** In seconds; not a number before there was one, which is how Prometheus says "none". */
function seconds(ms: number | null): number {
  return ms === null ? Number.NaN : ms / 1000
}

export const metrics: Readonly<Record<string, Metric>> = {
  holdfast_verdicts_total: {
    type: 'counter',
    means: 'Checks of a session, by verdict and by why it was not live',
    labels: ['verdict', 'reason'],
    read: verdictsOf,
  },
  holdfast_cache_sessions: {
    type: 'gauge',
    means: 'Verified sessions that this node remembers',
    read: one(({ stats }) => stats.cache.size),
  },
  holdfast_cache_sessions_max: {
    type: 'gauge',
    means: 'Verified sessions that fit',
    read: one(({ stats }) => stats.cache.capacity),
  },
  holdfast_cache_hits_total: {
    type: 'counter',
    means: 'Checks that were answered from memory',
    read: one(({ stats }) => stats.cache.hits),
  },
  holdfast_cache_misses_total: {
    type: 'counter',
    means: 'Checks that had to ask the store',
    read: one(({ stats }) => stats.cache.misses),
  },
  holdfast_change_feed_whole: {
    type: 'gauge',
    means: 'Whether this node hears of changes: 1, or 0 while it asks the store at each check',
    read: one(({ stats }) => Number(stats.changes.whole)),
  },
  holdfast_change_feed_bypasses_total: {
    type: 'counter',
    means: 'How often checks had to do without memory because changes were not heard of',
    read: one(({ stats }) => stats.changes.bypasses),
  },
  holdfast_change_feed_bypass_seconds_total: {
    type: 'counter',
    means: 'For how long in all they had to',
    read: one(({ stats }) => stats.changes.bypassMs / 1000),
  },
  holdfast_revocation_lag_seconds: {
    type: 'gauge',
    means: 'From the last revocation on another node to this one forgetting the session; NaN before the first',
    read: one(({ stats }) => seconds(stats.changes.lagMs.last)),
  },
  holdfast_revocation_lag_seconds_max: {
    type: 'gauge',
    means: 'The longest so far; NaN before the first',
    read: one(({ stats }) => seconds(stats.changes.lagMs.max)),
  },
  holdfast_store_circuit: {
    type: 'gauge',
    means: 'Circuit breaker of the session store: 1 for the state that it is in',
    labels: ['calls', 'state'],
    read: circuitsOf,
  },
  holdfast_store_circuit_opened_total: {
    type: 'counter',
    means: 'How often the circuit has opened',
    labels: ['calls'],
    read: callsOf((calls) => calls.opened),
  },
  holdfast_store_calls_in_flight: {
    type: 'gauge',
    means: 'Calls of the session store that wait for an answer',
    labels: ['calls'],
    read: callsOf((calls) => calls.inFlight),
  },
  holdfast_store_faults_total: {
    type: 'counter',
    means: 'Calls that the session store failed',
    labels: ['calls'],
    read: callsOf((calls) => calls.faults),
  },
  holdfast_store_timeouts_total: {
    type: 'counter',
    means: 'Calls that the session store did not answer in time',
    labels: ['calls'],
    read: callsOf((calls) => calls.timeouts),
  },
  holdfast_store_refused_total: {
    type: 'counter',
    means: 'Calls that were not made: the circuit was open, or too many waited',
    labels: ['calls'],
    read: callsOf((calls) => calls.refused),
  },
  holdfast_live_connections: {
    type: 'gauge',
    means: 'Open streams and sockets',
    read: one(({ stats }) => stats.connections),
  },
  holdfast_pending_touches: {
    type: 'gauge',
    means: 'Sightings of sessions that wait to be written',
    read: one(({ stats }) => stats.pendingTouches),
  },
  holdfast_pending_revocations: {
    type: 'gauge',
    means: 'Revocations that the store has not taken yet; this node refuses those sessions meanwhile',
    read: one(({ stats }) => stats.pendingRevocations),
  },
  holdfast_security_events_total: {
    type: 'counter',
    means: 'Security events told on this node, by kind',
    labels: ['kind'],
    read: ({ events }) => [...events].map(([kind, count]) => [count, { kind }]),
  },
  holdfast_event_trail_waiting: {
    type: 'gauge',
    means: 'Security events that wait to be appended to the trail',
    read: one(({ trail }) => trail.waiting),
  },
  holdfast_event_trail_lost_total: {
    type: 'counter',
    means: 'Security events that were not recorded, for want of room or as part of a flood',
    read: one(({ trail }) => trail.lost),
  },
  holdfast_webhook_delivering: {
    type: 'gauge',
    means: 'Whether this node is the one that posts events: 1 or 0',
    read: one(({ webhook }) => Number(webhook.holds)),
  },
  holdfast_webhook_delivered_total: {
    type: 'counter',
    means: 'Events that the receiver has taken from this node',
    read: one(({ webhook }) => webhook.delivered),
  },
  holdfast_webhook_failures_total: {
    type: 'counter',
    means: 'Attempts that the receiver did not take',
    read: one(({ webhook }) => webhook.failures),
  },
  holdfast_webhook_lost_total: {
    type: 'counter',
    means: 'Events that were deleted for their age before the receiver took them',
    read: one(({ webhook }) => webhook.lost),
  },
  holdfast_webhook_behind: {
    type: 'gauge',
    means: 'Events of the trail that the receiver does not have yet, as the node that posts them saw it last',
    read: one(({ webhook }) => webhook.behind),
  },
  holdfast_password_hashes_running: {
    type: 'gauge',
    means: 'Passwords that are being hashed',
    read: one(({ passwords }) => passwords.running),
  },
  holdfast_password_hashes_waiting: {
    type: 'gauge',
    means: 'Passwords that wait for their turn to be hashed',
    read: one(({ passwords }) => passwords.waiting),
  },
  holdfast_password_hashes_refused_total: {
    type: 'counter',
    means: 'Passwords that were not hashed: too many waited',
    read: one(({ passwords }) => passwords.refused),
  },
}
