/** The plain Node server with a security event for each authenticated request, recorded in a trail on SQLite: the worst case. */
import { randomBytes } from 'node:crypto'
import { createEventTrail } from 'holdfast/defence/event-trail'
import { sqliteStore } from 'holdfast/store/sqlite'
import { freshHoldfast } from '../../shared/holdfast.ts'
import { serveWith } from './node.ts'
import type { Listening } from './server.ts'

export function onSqlite(folder: string): Promise<Listening> {
  const holdfast = freshHoldfast()
  const { eventLog } = sqliteStore(`${folder}/trail-${randomBytes(4).toString('hex')}.db`)
  const trail = createEventTrail({ log: eventLog, secrets: [randomBytes(32).toString('hex')], capacity: 1_000_000 })
  holdfast.on((event) => trail.record(event))
  return serveWith(holdfast, ({ holdfast: { session, subject, ip = null } }) => {
    holdfast.emit({ kind: 'authz_admin', session: session?.id ?? null, subject, ip })
  })
}
