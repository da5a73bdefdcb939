/** The trail of security events as it grows, to an administrator whose session stays live. */
import { type EventStream, HoldfastError } from 'holdfast'
import { startStream } from 'holdfast/adapters/fastify'
import { activeAccount } from '../accounts/look-up.ts'
import { type EventFilter, eventWire, matches, type StoredEvent } from '../events.ts'
import type { Services } from '../services.ts'
import type { Call } from './route.ts'

/** A demotion ends the session too; should that have failed, what the store says of the account holds. Fails closed. */
async function mayRead({ accounts }: Services, stream: EventStream): Promise<boolean> {
  return (await activeAccount(accounts, stream.session.subject))?.role === 'admin'
}

function send(stream: EventStream, event: StoredEvent, wanted: EventFilter): void {
  if (matches(event, wanted)) stream.send({ data: { ...eventWire(event) }, id: String(event.sequence) })
}

/** Page by page, the next one read when the last was taken: a slow reader holds up itself and keeps nothing in memory. */
async function pump(services: Services, stream: EventStream, wanted: EventFilter): Promise<void> {
  let last = Number(stream.lastEventId ?? (await services.eventLog.last())?.sequence ?? 0)
  while (!stream.ended) {
    const events = await services.eventFeed.next(last, stream.signal)
    if (events.length === 0 || !(await mayRead(services, stream))) return
    for (const event of events) send(stream, event, wanted)
    last = events.at(-1)?.sequence ?? last
    await stream.drained()
  }
}

export interface StreamQuery extends EventFilter {
  readonly cursor?: string | undefined
  readonly limit?: string | undefined
}

/** Where a stream begins is said by `Last-Event-ID` alone; without one it begins now. */
function checkQuery({ cursor, limit }: StreamQuery): void {
  const given = Object.entries({ cursor, limit }).filter(([, value]) => value !== undefined)
  const fields = given.map(([field]) => ({ field, message: 'must not be given for a stream' }))
  if (fields.length > 0) throw new HoldfastError('invalid-request', { fields })
}

export function wantsStream({ request }: Pick<Call, 'request'>): boolean {
  return /\btext\/event-stream\b/i.test(request.headers.accept ?? '')
}

export async function streamEvents({ query, request, reply, services }: Call<undefined, StreamQuery>): Promise<void> {
  checkQuery(query)
  const stream = await startStream(request, reply)
  void pump(services, stream, query)
    .catch((fault: unknown) => request.log.warn({ err: fault }, 'A stream of security events was ended'))
    .finally(() => stream.end())
}
