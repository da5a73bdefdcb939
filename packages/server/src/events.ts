/** The trail of security events as the server keeps it: how long, and how it is told to people and programs. */
import { type Clock, categoryOf, type EventKind, type EventSeverity, eventKinds } from 'holdfast'
import { createEventTrail, type EventTrail, type EventTrailOptions } from 'holdfast/defence/event-trail'
import { createEventFeed, type EventFeed } from './event-feed.ts'
import type { OnFault } from './fault-log.ts'
import { retentionMs, sweepHourly } from './sweeps.ts'

export type EventLog = EventTrailOptions['log']
export type StoredEvent = Awaited<ReturnType<EventLog['read']>>[number]

interface TrailParts {
  readonly log: EventLog
  readonly secret: readonly string[]
  readonly clock: Clock | undefined
  readonly onFault: OnFault
}

export interface OpenedTrail {
  readonly trail: EventTrail
  readonly feed: EventFeed
  /** Appends what waits; to be called before the store is closed. */
  close(): Promise<void>
}

/** A trail that deletes what is older than its retention, each hour. */
export function openTrail({ log, secret, clock, onFault }: TrailParts): OpenedTrail {
  const trail = createEventTrail({
    log,
    secrets: secret as EventTrailOptions['secrets'],
    ...(clock === undefined ? {} : { clock }),
    onFault,
  })
  const stopSweeping = sweepHourly('deleting old security events', { clock, onFault }, (now) => trail.sweep(now - retentionMs))
  const feed = createEventFeed(log, clock, onFault)
  const close = async () => {
    stopSweeping()
    feed.close()
    await trail.close()
  }
  return { trail, feed, close }
}

/** An event as it is told: times as text, the severity beside the kind. */
export interface EventWire {
  readonly sequence: number
  readonly at: string
  readonly kind: string
  readonly category: string
  readonly severity: EventSeverity
  readonly session: string | null
  readonly subject: string | null
  readonly actor: string | null
  readonly ip: string | null
  readonly object: string | null
  readonly reason: string | null
  readonly outcome: string | null
  readonly hash: string
}

function isKnown(kind: string): kind is EventKind {
  return Object.hasOwn(eventKinds, kind)
}

export function eventWire({ sequence, at, kind, data, hash }: StoredEvent): EventWire {
  const text = (name: string) => (typeof data[name] === 'string' ? data[name] : null)
  return {
    sequence,
    at: new Date(at).toISOString(),
    kind,
    // A newer version may have written a kind that this one does not know.
    category: isKnown(kind) ? categoryOf(kind) : 'unknown',
    severity: isKnown(kind) ? eventKinds[kind].severity : 'warn',
    session: text('session'),
    subject: text('subject'),
    actor: text('actor'),
    ip: text('ip'),
    object: text('object'),
    reason: text('reason'),
    outcome: text('outcome'),
    hash,
  }
}

export interface EventFilter {
  readonly kind?: string | undefined
  readonly subject?: string | undefined
}

export function matches({ kind, data }: StoredEvent, wanted: EventFilter): boolean {
  return (wanted.kind === undefined || kind === wanted.kind) && (wanted.subject === undefined || data.subject === wanted.subject)
}

export interface EventPage {
  readonly items: readonly StoredEvent[]
  /** Give it as `before` for the older ones; undefined when there are none. */
  readonly next: number | undefined
}

const readAtOnce = 1000
/** A rare kind must not make one request read a whole log. */
const mostReads = 10

/** The events just before a sequence, newest first; none when all of those were deleted for their age. */
async function windowBefore(log: EventLog, until: number): Promise<StoredEvent[]> {
  const after = Math.max(0, until - 1 - readAtOnce)
  if (until <= 1) return []
  const found = await log.read({ after, limit: until - 1 - after })
  return found.filter(({ sequence }) => sequence < until).reverse()
}

/**
 * Newest first: those before a sequence that match. A page may be short, even empty, with a `next`: so much was read without
 * finding more.
 */
export async function readBack(log: EventLog, wanted: EventFilter, limit: number, before?: number): Promise<EventPage> {
  const items: StoredEvent[] = []
  let until = before ?? ((await log.last())?.sequence ?? 0) + 1
  for (let reads = 0; reads < mostReads && items.length < limit; reads += 1) {
    const found = await windowBefore(log, until)
    if (found.length === 0) return { items, next: undefined }
    for (const event of found) {
      until = event.sequence
      if (matches(event, wanted)) items.push(event)
      if (items.length === limit) break
    }
  }
  return { items, next: until > 1 ? until : undefined }
}
