/** The plain Node server with a trail of security events on SQLite: attached, as apps do, or given an event at each request. */
import { randomBytes } from 'node:crypto'
import type { Holdfast } from 'holdfast'
import { createEventTrail } from 'holdfast/defence/event-trail'
import { sqliteStore } from 'holdfast/store/sqlite'
import { freshHoldfast } from '../../shared/holdfast.ts'
import { serveWith } from './node.ts'
import type { Listening } from './server.ts'

function recordedHoldfast(folder: string): Holdfast {
  const holdfast = freshHoldfast()
  const { eventLog } = sqliteStore(`${folder}/trail-${randomBytes(4).toString('hex')}.db`)
  const trail = createEventTrail({ log: eventLog, secrets: [randomBytes(32).toString('hex')], capacity: 1_000_000 })
  holdfast.on((event) => trail.record(event))
  return holdfast
}

/** Sign-ins are recorded; a request that finds its session live raises no event. */
export function attached(folder: string): Promise<Listening> {
  return serveWith(recordedHoldfast(folder))
}

/** The worst case, which no app is: an event for each authenticated request. */
export function eachRequest(folder: string): Promise<Listening> {
  const holdfast = recordedHoldfast(folder)
  return serveWith(holdfast, ({ holdfast: { session, subject, ip = null } }) => {
    holdfast.emit({ kind: 'authz_admin', session: session?.id ?? null, subject, ip })
  })
}
