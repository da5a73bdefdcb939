/** The trail of security events, for administrators. */
import { eventKinds } from 'holdfast'
import { z } from 'zod'
import { eventWire, readBack } from '../events.ts'
import { streamEvents, wantsStream } from './admin-event-stream.ts'
import { pageFields, pageLimit, textField } from './fields.ts'
import { type Call, type Route, route } from './route.ts'
import { eventShape, pageOf } from './shapes.ts'

interface ListQuery {
  readonly kind?: string | undefined
  readonly subject?: string | undefined
  readonly cursor?: string | undefined
  readonly limit?: string | undefined
}

const kinds = Object.keys(eventKinds)
const listQuery: z.ZodType<ListQuery> = z.strictObject({
  kind: z.enum(kinds, { error: 'must be a kind of event' }).optional(),
  subject: textField(256).optional(),
  ...pageFields,
  cursor: z
    .string()
    .regex(/^[1-9]\d{0,14}$/, { error: 'must be one that a list gave' })
    .optional(),
})

async function listEvents({ query, services }: Call<undefined, ListQuery>): Promise<unknown> {
  const { kind, subject, cursor, limit } = query
  // What this node still holds back belongs to the answer.
  await services.events.flush()
  const before = cursor === undefined ? undefined : Number(cursor)
  const { items, next } = await readBack(services.eventLog, { kind, subject }, pageLimit(limit), before)
  return { items: items.map(eventWire), ...(next === undefined ? {} : { next: String(next) }) }
}

export const adminEventRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/admin/events',
    summary: 'Security events, newest first, a page may be short although more follow; or, as a stream, those that come',
    access: 'administrator',
    query: listQuery,
    status: 200,
    answer: pageOf(eventShape),
    otherAnswers: { 'text/event-stream': z.string() },
    problems: ['rate-limited'],
    handle: (call: Call<undefined, ListQuery>) => (wantsStream(call) ? streamEvents(call) : listEvents(call)),
  }),
]
